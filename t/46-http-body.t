# A connection's life in HTTP/1: bodies that nobody reads, pipelining, keepalive, the limits of
# heads and bodies, timeouts, slow clients.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;
use Time::HiRes qw(time);

sub connection { return Test::Weir::Conn->new($_[0]->port) }

# --- pipelining ---------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'pipelining');
    my (@requests, @wanted);

    $t->write_file('html/a.txt', "a\n");
    $t->write_file('html/b.txt', 'b' x 100_000);
    $t->write_conf('worker_processes 1; events { } http { server { listen 127.0.0.1:%%PORT%%;'
        . ' location = /args { return 200 "[$args]"; } } }');
    $t->start;
    for my $i (0 .. 19) {
        my $kind = $i % 5;
        my ($line, $body, $want) = $kind == 0 ? ("GET /args?$i", '', [200, "[$i]"])
            : $kind == 1 ? ('GET /a.txt', '', [200, "a\n"])
            : $kind == 2 ? ("POST /args?$i", "body number $i", [200, "[$i]"])
            : $kind == 3 ? ("HEAD /a.txt", '', [200, ''])
            : ("POST /args?$i", "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n", [200, "[$i]"]);
        my @headers = ('Host: a');
        push @headers, 'Transfer-Encoding: chunked' if $kind == 4;
        push @headers, 'Content-Length: ' . length $body if $kind == 2;
        push @headers, 'Connection: close' if $i == 19;
        push @requests, [$line =~ /^(\w+)/, join("\r\n", "$line HTTP/1.1", @headers, '', $body)];
        push @wanted, "@$want";
    }
    my $bytes = join '', map { $_->[1] } @requests;
    my $answers = sub {
        my ($conn) = @_;
        my @got;
        for my $request (@requests) {
            my $answer = $conn->read_response(method => $request->[0]) // last;
            push @got, "$answer->{status} $answer->{body}";
        }
        push @got, 'more' unless $conn->eof;
        return join "\n", @got;
    };

    my $conn = connection($t);
    $conn->write($bytes);
    is($answers->($conn), join("\n", @wanted), 'twenty requests in one write');
    # With sizes that have nothing in common with anything in the requests.
    for my $size (997, 211) {
        $conn = connection($t);
        for (my $at = 0; $at < length $bytes; $at += $size) {
            $conn->write(substr $bytes, $at, $size) or last;
            $conn->drained;
        }
        is($answers->($conn), join("\n", @wanted), "twenty requests in pieces of $size");
    }

    # Each byte of a chunked body is a read of its own.
    my ($head, $body) = split /(?<=\r\n\r\n)/, $requests[4][1], 2;
    $conn = connection($t);
    $conn->write($head);
    for my $byte (split //, $body) {
        $conn->write($byte);
        $conn->drained;
    }
    $conn->write("GET /args?next HTTP/1.1\r\nHost: a\r\n\r\n");
    is($conn->read_response->{status}, 200, 'byte by byte');
    is($conn->read_response->{body}, '[next]', 'and the request after it');

    # The answers are much more than the sockets hold, and the client reads late.
    $conn = connection($t);
    my $count = 200;
    $conn->write("GET /b.txt HTTP/1.1\r\nHost: a\r\n\r\n" x $count);
    my $good = grep { ($conn->read_response // {})->{body} eq 'b' x 100_000 } 1 .. $count;
    is($good, $count, 'many large answers to one write');

    # A client that half-closes after its requests still gets the answers.
    $conn = connection($t);
    $conn->write("GET /b.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /args?x HTTP/1.1\r\nHost: a\r\n\r\n");
    $conn->shutdown_write;
    is(length $conn->read_response->{body}, 100_000, 'half-closed: the first answer');
    is($conn->read_response->{body}, '[x]', 'half-closed: the second answer');
    ok($conn->eof, 'half-closed: then the end');
    $t->stop;
}

# --- large bodies that nobody reads -------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'unread bodies');
    my $body = 'x' x 3_000_000;

    $t->write_file('html/a.txt', "a\n");
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    lingering_timeout 1s;
    client_max_body_size 4m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /small/ { alias html/; client_max_body_size 1k; }
        location /off/ { alias html/; lingering_close off; }
        location /always/ { alias html/; lingering_close always; }
        location /brief/ { alias html/; client_max_body_size 1k; lingering_time 1s;
            lingering_timeout 60s; }
    }
}
CONF
    $t->start;
    my $next = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n";

    my $conn = connection($t);
    $conn->write("POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n$body$next");
    is($conn->read_response->{status}, 405, 'a large body');
    is($conn->read_response->{body}, "a\n", 'is passed over');

    $conn = connection($t);
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", $_, 'y' x $_ } map { $_ * 997 } 1 .. 70;
    $conn->write("POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "${chunks}0\r\n\r\n$next");
    is($conn->read_response->{status}, 405, 'a large chunked body');
    is($conn->read_response->{body}, "a\n", 'is passed over');

    # A client that sends everything before it reads must not lose the answer to a reset.
    $conn = connection($t);
    $conn->write("POST /small/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    ok($conn->write($body), 'a body that is too large is taken from the client');
    my $answer = $conn->read_response;
    is($answer->{status}, 413, 'which then sees the answer');
    is($answer->{header}{connection}, 'close', 'that announces the end');
    ok($conn->eof, 'and then the end');
    is($conn->state, 'eof', 'without a reset');

    # One that waits for the end of the answer sees it.
    $conn = connection($t);
    $conn->write("POST /small/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\nabc");
    is($conn->read_response->{status}, 413, 'a body that does not come: the answer');
    ok($conn->eof, 'lingering_timeout: the connection is closed');

    # One that goes on for ever is not listened to for ever.
    $conn = connection($t);
    $conn->write("POST /brief/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    is($conn->read_response->{status}, 413, 'a body that drips: the answer');
    my $ended = wait_for { !$conn->write('x') } 15, 'the end of a connection that drips';
    ok($ended, 'lingering_time: the connection is closed');

    for my $place (qw(off always)) {
        $conn = connection($t);
        $conn->write("GET /$place/a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        is($conn->read_response->{body}, "a\n", "lingering_close $place: the answer");
        ok($conn->eof, "lingering_close $place: the end");
    }
    # The client still speaks, and is not reset.
    ok($conn->write('some') && $conn->drained && $conn->write('more'),
        'lingering_close always: what the client sends then is taken');

    $conn = connection($t);
    $conn->write("POST /off/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd$next");
    is($conn->read_response->{status}, 405, 'lingering_close off: a body that is there');
    is($conn->read_response->{body}, "a\n", 'lingering_close off: is passed over');
    $t->stop;
}

# --- bodies that are read -----------------------------------------------------------------------

# Of what needs no upstream only a mirror has the body read before the answer.
SKIP: {
    my $t = Test::Weir->new(name => 'bodies that are read');

    $t->write_file('html/a.txt', "a\n");
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format body '$status $request_length [$request_body]';
    access_log logs/access.log body;
    client_body_buffer_size 1k;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { mirror /copy; client_max_body_size 5k; error_page 405 =200 $uri; }
        location /slow/ { alias html/; mirror /copy; client_body_timeout 1s; }
        location = /copy { internal; return 204; }
    }
}
CONF
    skip 'this build has no mirror', 1 if $t->run_conf('-t')->{err} =~ /"mirror"/;
    $t->start;
    my $post = sub { request($t->port, 'POST', '/a.txt', @_) // {status => 'none'} };
    my $head = "POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";

    is($post->(body => 'small')->{body}, "a\n", 'a small body');
    ok(wait_for(sub { $t->access_log =~ /^200 \d+ \[small\]$/m }, 5, 'the log'), 'is known');
    is($post->(body => 'x' x 5000)->{status}, 200, 'a body larger than its buffer');
    is($post->(body => 'x' x 5121)->{status}, 413, 'a body that is too large');
    my $chunks = "400\r\n" . 'x' x 1024 . "\r\n";
    is($post->(headers => ['Transfer-Encoding' => 'chunked'], body => $chunks x 5 . "0\r\n\r\n")
        ->{status}, 200, 'a chunked body');
    is($post->(headers => ['Transfer-Encoding' => 'chunked'], body => $chunks x 6 . "0\r\n\r\n")
        ->{status}, 413, 'a chunked body that is too large');
    for my $bad ("x\r\n", "-1\r\n", "5\r\nhelloX\r\n", "5\r\nhello0\r\n\r\n",
        "fffffffffffffffff\r\n", "0x5\r\nhello\r\n0\r\n\r\n") {
        my $conn = connection($t);
        $conn->write("$head\r\n$bad");
        my $shown = $bad =~ s/\r\n/\\r\\n/gr;
        is($conn->read_response->{status}, 400, "a bad chunk: $shown");
        ok($conn->eof, "$shown: then the end");
    }
    my $conn = connection($t);
    $conn->write("${head}Expect: 100-continue\r\n\r\n");
    like($conn->read_until(qr/\r\n\r\n/), qr/^HTTP\/1\.1 100 /, 'the client may go on');
    $conn->write("5\r\nhello\r\n0\r\n\r\n");
    my $answer = $conn->read_response;
    is("$answer->{status} $answer->{body}", "200 a\n", 'and gets the answer');

    $conn = connection($t);
    $conn->write("POST /slow/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    $answer = $conn->read_response;
    ok(!$answer || $answer->{status} == 408, 'client_body_timeout');
    ok($conn->eof, 'client_body_timeout: the end');
    ok(wait_for(sub { $t->access_log =~ /^408 /m }, 5, 'the log'), 'client_body_timeout: logged');
    $t->stop;
}

# --- keepalive ----------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'keepalive');

    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$connection_requests"; }
        location /brief { keepalive_time 1s; return 200 "$connection_requests"; }
        location /idle { keepalive_timeout 1s; return 200; }
    }
}
CONF
    $t->start;
    my $conn = connection($t);
    my $ask = sub { $conn->write("GET $_[0] HTTP/1.1\r\nHost: a\r\n\r\n"); $conn->read_response };

    is(join(' ', map { $ask->('/')->{body} } 1 .. 10), '1 2 3 4 5 6 7 8 9 10',
        'a connection counts its requests');
    my $answer;
    wait_for { ($answer = $ask->('/brief') // return 1)->{header}{connection} eq 'close' } 10,
        'the end of a connection that is older than keepalive_time';
    is($answer && $answer->{header}{connection}, 'close', 'keepalive_time: announced');
    ok($conn->eof, 'keepalive_time: closed');

    $conn = connection($t);
    my $start = time;
    is($ask->('/idle')->{header}{connection}, 'keep-alive', 'keepalive_timeout: open');
    ok($conn->eof, 'keepalive_timeout: closed');
    cmp_ok(time - $start, '>=', 0.9, 'keepalive_timeout: not before');

    # What a client begins and does not end is not a keepalive connection.
    $conn = connection($t);
    is($ask->('/')->{status}, 200, 'a client that sends an empty line after its request');
    $conn->write("\r\n");
    $conn->drained;
    is($ask->('/')->{body}, '2', 'is answered again');
    $t->stop;
}

unless (skipped('keepalive_min_timeout', since => '1.27.4')) {
    my $t = Test::Weir->new(name => 'keepalive_min_timeout');

    $t->write_conf('worker_processes 1; events { } http { server { listen 127.0.0.1:%%PORT%%;'
        . ' keepalive_min_timeout 5s; return 200 "$connection_requests"; } }');
    $t->start;
    my $conn = connection($t);
    my $ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    $conn->write($ask);
    is($conn->read_response->{body}, '1', 'a first request');
    $t->signal('QUIT');
    wait_for { !eval { connection($t); 1 } } 5, 'the end of listening';
    $conn->write($ask);
    my $answer = $conn->read_response // {};
    is($answer->{body}, '2', 'one more on the same connection, while the server ends');
    is($answer->{header}{connection}, 'close', 'and it is the last');
    $t->stop(undef, gone => 1);
}

# --- timeouts and slow clients ------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'timeouts');
    my $size = 64 * 1024 * 1024;

    $t->write_file('html/a.txt', 'a' x 20_480);
    $t->write_file('html/huge', '');
    truncate $t->dir . '/html/huge', $size or die "truncate: $!";
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format timeouts '$status $body_bytes_sent $request_completion "$request"';
    access_log logs/access.log timeouts;
    server {
        listen 127.0.0.1:%%PORT%%;
        client_header_timeout 1s;
        location /reset/ { alias html/; send_timeout 1s; reset_timedout_connection on; }
        location /closed/ { alias html/; send_timeout 1s; }
        location /copied/ { alias html/; send_timeout 1s; sendfile off; }
        location /rate/ { alias html/; limit_rate 10k; }
        location /late/ { alias html/; limit_rate 10k; limit_rate_after 10k; }
        location /asked/ { alias html/; limit_rate $arg_rate; }
        location /in-if/ { alias html/; if ($arg_slow) { limit_rate 10k; } }
    }
}
CONF
    $t->start;

    my $conn = connection($t);
    $conn->write("GET /nearly HTTP/1.1\r\nHost: a\r\n");
    my $answer = $conn->read_response;
    ok(!$answer || $answer->{status} == 408, 'client_header_timeout: in the head');
    ok($conn->eof, 'client_header_timeout: the end');
    ok(wait_for(sub { $t->access_log =~ m{^408 \d+  "GET /nearly HTTP/1\.1"}m }, 5, 'the log'),
        'client_header_timeout: logged');
    $conn = connection($t);
    $conn->write('GET /near');
    $answer = $conn->read_response;
    ok(!$answer || $answer->{status} == 408, 'client_header_timeout: in the first line');
    ok($conn->eof, 'client_header_timeout: the end');
    $conn = connection($t);
    ok($conn->eof, 'client_header_timeout: nothing was sent');
    # Progress does not make the head's time longer.
    $conn = connection($t);
    $conn->write("GET /drip HTTP/1.1\r\n");
    ok(wait_for(sub { !$conn->write('a') }, 15, 'the end of a head that drips'),
        'client_header_timeout: a head that drips');

    for my $place (qw(closed reset copied)) {
        $conn = connection($t);
        $conn->write("GET /$place/huge HTTP/1.1\r\nHost: a\r\n\r\n");
        ok(wait_for(sub { $t->access_log =~ m{^200 \d+  "GET /$place/huge }m }, 15, 'the log'),
            "send_timeout, $place: a client that does not read");
        my $got = length $conn->read_all;
        cmp_ok($got, '<', $size, "send_timeout, $place: does not get all");
        is($conn->state, 'reset', 'reset_timedout_connection') if $place eq 'reset';
    }
    like($t->error_log, qr/client timed out \(110: Connection timed out\)/, 'send_timeout: logged');

    for my $case (['/rate/a.txt', 0.9], ['/late/a.txt', 0.4], ['/asked/a.txt?rate=10k', 0.9],
        ['/asked/a.txt', 0], ['/in-if/a.txt?slow=1', 0.9], ['/in-if/a.txt', 0]) {
        my ($uri, $least) = @$case;
        my $start = time;
        is(get($t->port, $uri)->{body}, 'a' x 20_480, "$uri: the whole file");
        cmp_ok(time - $start, '>=', $least, "$uri: not faster than allowed");
    }
    $t->stop;
}

run_tests();

__DATA__

=== a body with a length is passed over
--- config
root html;
client_max_body_size 100;
lingering_timeout 1s;
location /return { return 200 "returned"; }
location /none { client_max_body_size 0; }
location /more { client_max_body_size 200; }
location /error { error_page 413 /too-large.html; }
location = /too-large.html { return 200 "own page"; }
--- user_files
>>> a.txt
a
>>> too-large.html
own page
--- pipelined_requests
POST /a.txt

some body
~~~
POST /return

GET /a.txt HTTP/1.1
~~~
GET /a.txt

a body for a GET
~~~
POST /return
Content-Length: 0

~~~
GET /a.txt
--- error_code: 405 200 200 200 200
--- response_body_like
405 Not Allowed
~~~
^returned$
~~~
^a$
~~~
^returned$
~~~
^a$

=== a chunked body is passed over
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
5\r\nhello\r\n0\r\n\r\n
POST /return HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n
A\r\n0123456789\r\na\r\n0123456789\r\n00000\r\n\r\n
GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n
--- error_code: 405 200 200
--- response_body_like
405 Not Allowed
~~~
^returned$
~~~
^a$
--- connection: closed

=== chunks with extensions and trailers
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
5;name=value\r\nhello\r\n1;a;b="c"\r\nx\r\n0;last\r\nOne: 1\r\nTwo: 2\r\n\r\n
GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n
--- error_code: 405 200
--- connection: closed

=== a chunked body in pieces
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
--- raw_request
1
--- raw_request
0\r
--- raw_request
\n01234567
--- raw_request
89abcdef
--- raw_request
\r
--- raw_request
\n0\r\n
--- raw_request
\r
--- raw_request
\nGET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n
--- error_code: 405 200
--- connection: closed

=== after a bad chunk nothing more is answered
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
z\r\nhello\r\n0\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
--- raw_response_like
^HTTP/1\.1 40[05] (?!.*HTTP/1\.1 )

=== nor when a chunk is longer than it says
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
5\r\nhelloX\r\n0\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
--- raw_response_like
^HTTP/1\.1 40[05] (?!.*HTTP/1\.1 )

=== nor when a chunk's size is beyond all numbers
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
10000000000000005\r\nhello\r\n0\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
--- raw_response_like
^HTTP/1\.1 4(00|05|13) (?!.*HTTP/1\.1 )

=== a body that is too large
--- request eval
"POST /a.txt\n\n" . "x" x 101 . "\n"
--- error_code: 413
--- response_headers
Connection: close
Content-Type: text/html
--- response_body_like
<title>413 Request Entity Too Large</title>
--- connection: closed
--- error_log
client intended to send too large body: 101 bytes

=== a body that is just not too large
--- request eval
"POST /a.txt\n\n" . "x" x 100 . "\n"
--- error_code: 405

=== what follows a body that is too large is not answered
--- raw_request
POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 105\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
--- raw_request
GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n
--- error_code: 413
--- connection: closed

=== client_max_body_size is that of the location, and 0 is without limit
--- pipelined_requests eval
join "~~~\n", map { "POST $_\n\n" . "x" x 150 . "\n" } qw(/more /none /none /return)
--- error_code: 404 404 404 413
--- error_log
client intended to send too large body: 150 bytes

=== a HEAD with a body that is too large
--- request eval
"HEAD /a.txt\nContent-Length: 101\n\n" . "x" x 101 . "\n"
--- error_code: 413
--- response_body:

=== an own page for a body that is too large
--- request eval
"POST /error\n\n" . "x" x 101 . "\n"
--- error_code: 413
--- response_body: own page
--- connection: closed

=== Expect: 100-continue with the body at once
--- pipelined_requests
POST /return
Expect: 100-continue

some body
~~~
GET /a.txt
--- error_code: 200 200
--- response_body_like
^returned$
~~~
^a$

=== Expect: 100-continue with a body that is too large: no 100
--- raw_request
POST /return HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n
Content-Length: 101\r\nConnection: close\r\n\r\n
--- raw_response_like
^HTTP/1\.1 413 (?!.*HTTP/1\.1 )

=== Expect in HTTP/1.0 is not understood
--- raw_request
POST /return HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello
--- raw_response_like
^HTTP/1\.1 200 .*returned$

=== an Expect without a body
--- request
GET /a.txt
Expect: 100-continue
--- response_body
a

=== HTTP/1.0 closes unless it is asked to stay
--- raw_request
GET /return HTTP/1.0\r\n\r\n
--- response_headers
Connection: close
--- response_body: returned
--- connection: closed

=== HTTP/1.0 that is asked to stay
--- raw_request
GET /return HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n
GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n
GET /return HTTP/1.0\r\n\r\n
--- error_code: 200 200 200
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: close
--- connection: closed

=== HTTP/1.1 that is asked to close
--- keepalive_requests
GET /return
~~~
GET /return
Connection: Close
--- response_headers
Connection: keep-alive
~~~
Connection: close
--- connection: closed

=== keepalive_timeout with a header of its own
--- config
location / { keepalive_timeout 75s 20; return 200; }
location /none { keepalive_timeout 0; return 200; }
location /silent { keepalive_timeout 75s; return 200; }
location /zero { keepalive_timeout 75s 0; return 200; }
--- keepalive_requests
GET /
~~~
GET /silent
~~~
GET /zero
~~~
GET /none
--- response_headers
Connection: keep-alive
Keep-Alive: timeout=20
~~~
Connection: keep-alive
!Keep-Alive
~~~
Connection: keep-alive
!Keep-Alive
~~~
Connection: close
!Keep-Alive
--- connection: closed

=== Keep-Alive is not said to a client that closes
--- request
GET /
--- response_headers
Connection: close
!Keep-Alive

=== keepalive_requests: the last answer says so
--- config
keepalive_requests 3;
location / { return 200 "$connection_requests"; }
location /never { keepalive_requests 0; return 200; }
--- keepalive_requests
GET /
~~~
GET /
~~~
GET /
Connection: keep-alive
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: close
--- response_body chomp
1
~~~
2
~~~
3
--- connection: closed

=== keepalive_disable: the default is MSIE 6 after a POST
--- config
location / { return 200; }
location /none { keepalive_disable none; return 200; }
location /safari { keepalive_disable safari; return 200; }
--- keepalive_requests
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
POST /none
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
POST /safari
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
POST /
User-Agent: Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)
~~~
POST /
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
Connection: keep-alive
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: close
--- connection: closed

=== keepalive_disable safari: on a Mac
--- keepalive_requests
GET /
User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8) AppleWebKit/536 (KHTML, like Gecko) Safari/536
~~~
GET /safari
User-Agent: Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534 (KHTML, like Gecko) Safari/534
~~~
GET /safari
User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8) AppleWebKit/536 (KHTML, like Gecko) Chrome/30 Safari/536
~~~
GET /safari
User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8) AppleWebKit/536 (KHTML, like Gecko) Safari/536
Connection: keep-alive
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: close

=== chunks, or without them the end of the connection
--- config
autoindex on;
location /plain/ { alias html/folder/; chunked_transfer_encoding off; }
--- user_files
>>> folder/a.txt
a
--- keepalive_requests
GET /folder/
~~~
GET /plain/
Connection: keep-alive
--- response_headers
Transfer-Encoding: chunked
Connection: keep-alive
!Content-Length
~~~
!Transfer-Encoding
!Content-Length
Connection: close
--- response_body_like
a\.txt
--- connection: closed

=== HTTP/1.0 has no chunks
--- raw_request
GET /folder/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n
--- response_headers
!Transfer-Encoding
!Content-Length
Connection: close
--- response_body_like
a\.txt
--- connection: closed

=== HEAD of an answer in chunks
--- keepalive_requests
HEAD /folder/
~~~
GET /folder/
--- response_headers
!Content-Length

=== heads that are larger than the first buffer
--- config
client_header_buffer_size 256;
large_client_header_buffers 2 1k;
location / { return 200 "$request_length $http_x_last"; }
--- keepalive_requests eval
join "~~~\n", "GET /" . "a" x 900 . "\nX-Last: 1\n", "GET /\nX-A: " . "a" x 900 . "\nX-Last: 2\n",
    "GET /\nX-A: " . "a" x 900 . "\nX-B: " . "b" x 900 . "\nX-Last: 3\n",
    "GET /\n" . join("", map { "X-$_: " . "c" x 100 . "\n" } 1 .. 15) . "X-Last: 4\n",
    "GET /\nX-Last: 5\n"
--- response_body_like
^\d+ 1$
~~~
^\d+ 2$
~~~
^\d+ 3$
~~~
^\d+ 4$
~~~
^\d+ 5$

=== a request line that does not fit
--- request eval
"GET /" . "a" x 1100
--- error_code: 414
--- response_body_like
414 Request-URI Too Large
--- connection: closed
--- error_log
client sent too long URI while reading client request line

=== a header that does not fit
--- request eval
"GET /\nX-A: " . "a" x 1100
--- error_code: 400
--- response_body_like
<title>400 Request Header Or Cookie Too Large</title>
--- connection: closed
--- error_log
client sent too long header line: "X-A: aaa

=== headers that are too large together
--- request eval
"GET /\n" . join "", map { "X-$_: " . "a" x 900 . "\n" } 1 .. 3
--- error_code: 400
--- response_body_like
<title>400 Request Header Or Cookie Too Large</title>
--- connection: closed

=== heads that are too large, in many pieces of their own
--- raw_request eval
'GET / HTTP/1.1\r\nHost: a\r\nX: ' . 'a' x 200
--- raw_request eval
'b' x 700
--- raw_request eval
'c' x 400
--- error_code: 400
--- connection: closed

=== an own page for a head that is too large: 494
--- config
large_client_header_buffers 2 1k;
error_page 494 =431 /large.html;
error_page 414 =400 /long.html;
--- user_files
>>> large.html
too large
>>> long.html
too long
--- request eval
"GET /\nX-A: " . "a" x 1100
--- error_code: 431
--- response_body
too large

=== an own page for a request line that is too long
--- request eval
"GET /" . "a" x 1100
--- error_code: 400
--- response_body
too long

=== many small headers are no harm
--- request eval
"GET /large.html\n" . join "", map { "X$_: a\n" } 1 .. 90
--- response_body
too large

=== max_headers
--- since: 1.29.8
--- config
max_headers 5;
location / { return 200 "$http_x_1"; }
--- keepalive_requests
GET /
X-1: a
X-2: b
X-3: c
X-4: d
~~~
GET /
X-1: a
X-2: b
X-3: c
X-4: d
X-5: e
--- error_code: 200 400
--- connection: closed

=== a thousand headers are allowed
--- since: 1.29.8
--- config
large_client_header_buffers 10 8k;
location / { return 200 "$http_x_1"; }
--- request eval
"GET /\n" . join "", map { "X-$_: $_\n" } 1 .. 998
--- response_body: 1

=== but not more
--- since: 1.29.8
--- request eval
"GET /\n" . join "", map { "X-$_: $_\n" } 1 .. 1001
--- error_code: 400

=== names that are not valid are left out
--- config
location / { return 200 "[$http_x_a][$http_under_score][$http_x_b]"; }
--- request
GET /
X-A: 1
Under_Score: 2
Odd@Name: 3
X-B: 4
--- response_body chomp
[1][][4]
--- error_log
client sent invalid header line: "Under_Score: 2" while reading client request headers
client sent invalid header line: "Odd@Name: 3"

=== underscores_in_headers
--- config
underscores_in_headers on;
location / { return 200 "[$http_x_a][$http_under_score][$http_x_b]"; }
--- request
GET /
X-A: 1
Under_Score: 2
Odd@Name: 3
X-B: 4
--- response_body chomp
[1][2][4]

=== ignore_invalid_headers off
--- config
ignore_invalid_headers off;
location / { return 200 "[$http_x_a][$http_under_score][$http_x_b]"; }
--- request
GET /
X-A: 1
Under_Score: 2
Odd.Name: 3
X-B: 4
--- response_body chomp
[1][2][4]

=== ranges of the directives
--- config
large_client_header_buffers 4 100;
--- conf_error
[emerg] the "large_client_header_buffers"

=== sizes that are none
--- config
client_max_body_size much;
--- conf_error
[emerg] "client_max_body_size" directive invalid value in %%CONF%%:

=== a value that lingering_close does not know
--- config
lingering_close sometimes;
--- conf_error
[emerg] invalid value "sometimes" in %%CONF%%:

=== a browser that keepalive_disable does not know
--- config
keepalive_disable lynx;
--- conf_error
[emerg] invalid value "lynx" in %%CONF%%:
