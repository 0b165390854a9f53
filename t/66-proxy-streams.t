# What passes a proxy as it comes: bodies in both directions, filters, parts of pages, many at once.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use IO::Select;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;
use Test::Weir::Util qw(poll_until);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
my @buffering = ('on', 'off', on_oracle() ? () : 'auto');
my $conf = <<'CONF';
worker_processes 1;
worker_shutdown_timeout 5s;
events { worker_connections 1024; }
http {
    log_format tries '$request_uri $status $upstream_status';
    access_log logs/access.log tries;
    client_max_body_size 0;
    client_body_buffer_size 16k;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream pool { server 127.0.0.1:%%PORT1%% max_fails=0; keepalive 64; }
    upstream closing { server 127.0.0.1:%%PORT3%% max_fails=0; keepalive 64; }
    upstream mirrored { server 127.0.0.1:%%PORT2%% max_fails=0; }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT9%% rcvbuf=64k;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location = /status { stub_status; access_log off; }
        location /up/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_request_buffering off; }
        location /up/most/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_request_buffering off;
            client_max_body_size 100k; }
        location /pool/ { proxy_pass http://pool; }
        location /closing/ { proxy_pass http://closing; }
        location /auth/ { auth_request /check; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location = /check {
            internal;
            proxy_pass http://mirrored;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
        }
        location /page/ { ssi on; proxy_pass http://pool; }
        location /part/ { proxy_pass http://mirrored; }
        location /mirror/ { mirror /copy; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location = /copy { internal; proxy_pass http://mirrored$request_uri; }
        location /add/ { add_before_body /part/before; add_after_body /part/after;
            proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /rate/ { limit_rate 100k; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /proxy-rate/ { proxy_limit_rate 100k; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /zip/ { gzip on; gzip_min_length 0; gzip_types *; gzip_proxied any;
            proxy_pass http://127.0.0.1:%%PORT1%%; }
        @@BUFFERED@@
    }
}
CONF
my $buffered = join '', map { <<"CONF" } @buffering;
        location /$_/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_buffering $_;
            location /$_/gzip/ { gzip on; gzip_min_length 0; gzip_types *; gzip_proxied any;
                proxy_pass http://127.0.0.1:%%PORT1%%; }
            location /$_/sub/ { sub_filter 0000 zero; sub_filter_once off; sub_filter_types *;
                proxy_pass http://127.0.0.1:%%PORT1%%; }
            location /$_/ssi/ { ssi on; ssi_types *; proxy_pass http://127.0.0.1:%%PORT1%%; }
        }
CONF
$conf =~ s/ *\@\@BUFFERED\@\@\n/$buffered/;
$t->write_conf($conf);
$t->start;
my $backend = Test::Weir::Backend->new($t->port(1), answer(200, "plain\n"));
my $other = Test::Weir::Backend->new($t->port(2), answer(200, "other\n"));
my $large = join '', map { sprintf "%07x\n", $_ } 1 .. 524_288;

sub descriptors
{
    my ($pid) = $t->worker_pids;
    my @all = glob "/proc/$pid/fd/*";

    return scalar @all;
}

# What the worker has in memory of its own, in KiB.
sub memory
{
    my ($pid) = $t->worker_pids;
    open my $file, '<', "/proc/$pid/status" or return 0;
    my ($size) = join('', <$file>) =~ /^RssAnon:\s+(\d+)/m;

    return $size;
}

sub active
{
    my ($count) = (get($t->port, '/status') // {body => ''})->{body} =~ /^Active connections: (\d+)/;

    return $count // -1;
}

my $before = do {
    get($t->port, '/');
    $_->script(answer(200, "plain\n")) for $backend, $other;
    wait_for { active() == 1 } 5, 'quiet at the start';
    descriptors();
};
my $conn;

sub clean
{
    my ($name) = @_;

    undef $conn;
    $_->script(answer(200, "plain\n")) for $backend, $other;
    my $quiet = wait_for { active() == 1 && descriptors() <= $before } 5, "quiet: $name";
    ok($quiet, "$name: no connection and no descriptor is left");
    return if on_oracle();
    my $run = $t->run_conf('generations');
    my $text = $run->{out} . $run->{err};
    is(scalar(() = $text =~ /^generation/mg), 1, "$name: one generation");
    unlike($text, qr/ for [1-9]/, "$name: no request is left");
}

sub ask
{
    my ($line, @more) = @_;
    my $body = @more % 2 ? pop @more : '';
    my $conn = Test::Weir::Conn->new($t->port);
    my $head = "$line HTTP/1.1\r\nHost: a\r\n";

    while (my ($name, $value) = splice @more, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    $conn->write("$head\r\n$body");
    return $conn;
}

sub status
{
    my ($conn, %opt) = @_;

    return ($conn->read_response(%opt) // {status => 'none'})->{status};
}

sub logged
{
    my ($uri) = @_;

    wait_for { $t->access_log =~ m{^\Q$uri\E }m } 5, "the log of $uri";
    return ($t->access_log =~ m{^\Q$uri\E (.*)$}m)[0];
}

sub chunked { return join '', map({ sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n" }

# --- bodies of requests -------------------------------------------------------------------------

for my $place ('/', '/up/') {
    for my $size (0, 1, 15_000, 300_000) {
        $backend->script(sub { answer(200, length($_[0]{body}) . ' '
            . (($_[0]{header}{'transfer-encoding'} // '') eq 'chunked' ? 'chunked' : 'length')) });
        my $body = substr $large, 0, $size;
        is(ask("POST ${place}", 'Content-Length' => $size, $body)->read_response->{body},
            "$size length", "$place, $size bytes with a length");
        my $answer = ask("POST ${place}", 'Transfer-Encoding' => 'chunked',
            chunked($body =~ /.{1,7000}/gs))->read_response;
        is($answer->{body}, "$size " . ($place eq '/' || on_oracle() && $size < 16_384
            ? 'length' : 'chunked'),
            "$place, $size bytes in chunks");
    }
}
# A backend that reads nothing for a while: the client waits, and memory stays what it is.
for my $framing ('Content-Length', 'Transfer-Encoding') {
    $backend->script([\'head', \'deaf', \'go', \'body',
        sub { answer(200, length $_[0]{body}) }]);
    my $memory = memory();
    my $body = $framing =~ /^C/ ? $large x 3 : chunked(($large) x 3);
    $conn = Test::Weir::Conn->new($t->port(9));
    $conn->write("POST /up/slow HTTP/1.1\r\nHost: a\r\n$framing: "
        . ($framing =~ /^C/ ? 3 * length $large : 'chunked') . "\r\n\r\n");
    wait_for { $backend->received(1) =~ /\r\n\r\n/ } 5, 'the head';
    my $sent = 0;
    my $writable = IO::Select->new($conn->socket);
    while ($sent < length $body && $writable->can_write(0.3)) {
        $sent += syswrite $conn->socket, $body, 65_536, $sent;
    }
    ok($sent < length $body, "$framing: the client has to wait, after $sent bytes");
    # A build that looks for errors in memory keeps what is freed.
    ok($ENV{WEIR_TIMEOUT_FACTOR} || memory() < $memory + 4096, "$framing: memory is bounded")
        or diag("before $memory, now " . memory());
    $backend->go;
    $conn->write(substr $body, $sent);
    is($conn->read_response->{body}, 3 * length $large, "$framing: all comes");
    undef $conn;
}
# Too large amid it, malformed amid it, broken off: nobody gets half of a body for a whole one.
$backend->script([\'head', \'hang']);
$conn = ask('POST /up/most/a', 'Transfer-Encoding' => 'chunked');
wait_for { $backend->received(1) =~ /\r\n\r\n/ } 5, 'the head';
$conn->write(sprintf "%x\r\n%s\r\n", 65_536, 'x' x 65_536) for 1, 2;
is(status($conn), 413, 'too large amid it');
is($backend->wait_closed(1), 'eof', 'the backend hears of it');
is(scalar $backend->requests, 0, 'it is no request');
$backend->script([\'head', \'hang']);
$conn = ask('POST /up/bad', 'Transfer-Encoding' => 'chunked', "5\r\nabcde\r\n");
wait_for { $backend->received(1) =~ /abcde/ } 5, 'the first chunk';
$conn->write("nonsense\r\n");
is(status($conn), 400, 'a malformed chunk amid it');
is($backend->wait_closed(1), 'eof', 'the backend hears of it');
is(scalar $backend->requests, 0, 'it is no request');
for my $how (qw(close reset)) {
    for my $framing (['Content-Length' => 100], ['Transfer-Encoding' => 'chunked']) {
        $backend->script([\'head', \'hang']);
        $conn = ask('POST /up/off', @$framing, "5\r\nabcde\r\n");
        wait_for { $backend->received(1) =~ /abcde/ } 5, 'a part';
        $conn->$how;
        ok($backend->wait_closed(1), "broken off by $how: the backend hears of it");
        is(scalar $backend->requests, 0, "broken off by $how: it is no request");
    }
}
# The same behind the head of an answer.
for my $case (['bad', "nonsense\r\n"], ['large', sprintf "%x\r\n%s\r\n", 200_000, 'x' x 200_000]) {
    my ($name, $bytes) = @$case;
    $backend->script([\'head', "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", \'hang']);
    $conn = ask('POST /up/most/late', 'Transfer-Encoding' => 'chunked', "5\r\nabcde\r\n");
    $conn->read_until(qr/abc/) unless on_oracle();
    $backend->wait_closed(1) if !$conn->write($bytes);
    ok(!skipped($name, differs => 'nginx buffers') && $conn->eof, "$name behind the head: it ends")
        unless on_oracle();
    undef $conn;
}
clean('bodies of requests');

# --- parts of pages -----------------------------------------------------------------------------

$other->script(answer(200, ''));
$backend->script(sub { answer(200, "got $_[0]{body}") });
is(ask('POST /auth/', 'Content-Length' => 4, 'body')->read_response->{body}, 'got body',
    'auth_request lets it in');
is(($other->requests)[0]{body}, '', 'without asking with its body');
$other->script(answer(401, '', 'WWW-Authenticate' => 'x'));
is(status(ask('GET /auth/')), 401, 'auth_request: 401');
for my $case ([\'body', \'reset'], [\'connect', \'close'], answer(500, 'x'), undef) {
    $case ? $other->script($case) : $other->refuse;
    is(status(ask('GET /auth/')), 500, 'auth_request: no use');
}
$other->script([\'body', \'hang']);
$conn = ask('GET /auth/gone');
$other->wait_for_requests(1);
$conn->reset;
ok($other->wait_closed(1), 'auth_request: the client leaves');
my $pages = join ' ', map { "<!--# include virtual=\"/part/$_\" -->" } 1 .. 5;
$backend->script(answer(200, "[$pages]", 'Content-Type' => 'text/html'));
$other->script(sub { answer(200, "($_[0]{uri})") });
is(ask('GET /page/')->read_response->{body}, '[' . join(' ', map { "(/part/$_)" } 1 .. 5) . ']',
    'ssi: a page of parts');
$other->script(sub { $_[0]{uri} =~ /3/ ? [\'reset'] : answer(200, "($_[0]{uri})") });
like(ask('GET /page/')->read_response->{body}, qr{^\[\(/part/1\).*\(/part/5\)\]\z}s,
    'ssi: one part is missing');
$other->script([\'body', answer(200, $large)]);
my $answer = ask('GET /page/')->read_response;
is(length $answer->{body}, 5 * length($large) + 6, 'ssi: five large parts');
$other->script([\'body', \'hang']);
$conn = ask('GET /page/gone');
$other->wait_for_requests(5);
$conn->reset;
ok($other->wait_closed($_), "ssi: the client leaves, part $_") for 1, 5;
$other->script([\'body', "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", \'close']);
ok(defined ask('GET /page/cut')->read_response->{error}, 'ssi: parts that are cut')
    unless skipped('a part that is cut', differs => 'nginx ends the page as if it were whole');
clean('parts of pages');

# --- copies, additions --------------------------------------------------------------------------

$backend->script(answer(200, 'main'));
for my $case (['answered', answer(200, 'copy')], ['refused', undef], ['reset', [\'body', \'reset']],
    ['silent', [\'body', \'hang']], ['large', answer(200, $large)])
{
    my ($name, $script) = @$case;
    $script ? $other->script($script) : $other->refuse;
    my $answer = ask("POST /mirror/$name", 'Content-Length' => 20_000, 'm' x 20_000)->read_response;
    is($answer->{body}, 'main', "mirror: $name");
    is(length(($other->wait_for_requests(1))[0]{body}), 20_000, "mirror: $name, the body")
        if $script;
}
$backend->script(answer(200, 'main', 'Content-Type' => 'text/html'));
$other->script(sub { answer(200, "<$_[0]{uri}>") });
is(ask('GET /add/')->read_response->{body}, '</part/before>main</part/after>', 'addition');
$other->script([\'body', \'reset']);
my $answer2 = ask('GET /add/')->read_response;
like($answer2->{body}, qr/main/, 'addition: what is added fails');
clean('copies and additions');

# --- rates --------------------------------------------------------------------------------------

for my $place ('/rate/', '/proxy-rate/') {
    my $some = substr $large, 0, 150_000;
    for my $framing ("Content-Length: 150000\r\n\r\n$some",
        "Transfer-Encoding: chunked\r\n\r\n" . chunked($some =~ /.{1,9000}/gs))
    {
        $backend->script([\'body', "HTTP/1.1 200 OK\r\n$framing", \'close']);
        my $answer = ask("GET $place")->read_response;
        ok($answer->{body} eq $some && !defined $answer->{error}, "$place: all comes");
    }
}
clean('rates');

# --- filters ------------------------------------------------------------------------------------

require Compress::Raw::Zlib;

sub inflate
{
    my ($bytes, $flushed) = @_;
    my $z = Compress::Raw::Zlib::Inflate->new(-WindowBits => 31);
    my $text = '';

    $z->inflate($bytes, $text);
    return $text;
}

my $some = substr $large, 0, 400_000;
my $zero = $some =~ s/0000/zero/gr;
for my $place (@buffering) {
    for my $framing ("Content-Length: 400000\r\n\r\n$some",
        "Transfer-Encoding: chunked\r\n\r\n" . chunked($some =~ /.{1,9000}/gs), "\r\n$some")
    {
        my ($name) = $framing =~ /^(\S*)/;
        my $reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n$framing";
        $backend->script([\'body', $reply, \'close']);
        my $answer = ask("GET /$place/gzip/", 'Accept-Encoding' => 'gzip')->read_response;
        ok(inflate($answer->{body}) eq $some, "gzip, buffering $place, $name");
        is($answer->{error}, undef, "gzip, buffering $place, $name: whole");
        $answer = ask("GET /$place/sub/")->read_response;
        ok($answer->{body} eq $zero, "sub, buffering $place, $name");
        $answer = ask("GET /$place/ssi/")->read_response;
        ok($answer->{body} eq $some, "ssi, buffering $place, $name");
    }
    # Cut behind filters, too.
    for my $filter (qw(gzip sub ssi)) {
        $backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            . "Content-Length: 400000\r\n\r\n", substr($some, 0, 200_000), \'taken', \'close']);
        my $answer = ask("GET /$place/$filter/", 'Accept-Encoding' => 'gzip')->read_response;
        ok(defined $answer->{error}, "$filter, buffering $place: cut")
            unless skipped('cut', differs => 'nginx ends it as if it were whole');
    }
}
# A stream of events: each is there at once, where nothing buffers.
for my $place (on_oracle() ? ('/off/', '/off/sub/') : map { ("/$_/", "/$_/gzip/", "/$_/sub/",
    "/$_/ssi/") } 'off', 'auto')
{
    $backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        map({ (\'go', "data: $_\n\n") } 1 .. 5), \'close']);
    $conn = ask("GET $place", 'Accept-Encoding' => 'gzip');
    my $got = $conn->read_until(qr/\r\n\r\n/) ? '' : undef;
    my $text = '';
    for my $i (1 .. 5) {
        $backend->go;
        while ($text !~ /data: $i\n\n\z/) {
            my $size = $conn->read_until(qr/^[0-9a-f]+\r\n/, 2) // last;
            $got .= substr $conn->read_bytes(2 + hex $size =~ s/\r\n//r), 0, -2;
            $text = $place =~ /gzip/ ? inflate($got) : $got;
        }
    }
    is($text, join('', map { "data: $_\n\n" } 1 .. 5), "$place: events come as they happen");
    is($conn->read_until(qr/0\r\n\r\n\z/) ? 'end' : 'none', 'end', "$place: and the end");
}
clean('filters');

# --- connections that die -----------------------------------------------------------------------

# Requests one after the other on a few connections; what is wrong with them.
sub many
{
    my ($count, $method, $place) = @_;
    my @conns = map { Test::Weir::Conn->new($t->port) } 1 .. 8;
    my $body = $method eq 'GET' ? '' : "Content-Length: 1\r\n";
    my (%wrong, $id);

    for my $i (1 .. $count / @conns) {
        for my $n (0 .. $#conns) {
            $conns[$n]->write("$method ${place}$i-$n HTTP/1.1\r\nHost: a\r\n$body\r\n"
                . ($body && 'x'));
        }
        for my $n (0 .. $#conns) {
            my $answer = $conns[$n]->read_response // {status => 'none', body => ''};
            my $right = $answer->{status} == 200 && $answer->{body} eq "${place}$i-$n";
            $wrong{"$answer->{status} $answer->{body}"}++ unless $right;
            $conns[$n] = Test::Weir::Conn->new($t->port) if $conns[$n]->state ne 'open'
                || ($answer->{header}{connection} // '') eq 'close';
        }
    }
    return join ' ', map { "$wrong{$_} $_" } sort keys %wrong;
}

# A server that is quick, and ends each connection after so many answers, without a word.
sub closing_server
{
    my ($most) = @_;
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $t->port(3),
        Listen => 128, ReuseAddr => 1) or die "listen: $@";
    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    Test::Weir::Backend::close_others(fileno $listener);
    my $parent = getppid;
    my $select = IO::Select->new($listener);
    my (%in, %count, %done);
    while (getppid == $parent) {
        for my $socket ($select->can_read(1)) {
            if ($socket == $listener) {
                my $new = $listener->accept or next;
                $select->add($new);
                $in{$new} = '';
                $count{$new} = 0;
                next;
            }
            my $got = sysread $socket, $in{$socket}, 65_536, length $in{$socket};
            # The body of a POST is an x.
            while ($in{$socket} =~ s/\Ax?[A-Z]+ (\S+).*?\r\n\r\n//s) {
                syswrite $socket, answer(200, $done{$1}++ ? 'twice' : "$1");
                $got = 0, last if ++$count{$socket} >= $most;
            }
            next if $got;
            $select->remove($socket);
            delete $in{$socket};
            close $socket;
        }
    }
    POSIX::_exit(0);
}

for my $case ([1, 'GET', 10_000], [3, 'GET', 1000], [1, 'POST', 1000]) {
    my ($most, $method, $count) = @$case;
    my $pid = closing_server($most);
    my $wrong = many($count, $method, '/closing/');
    # A POST is not asked again: it may fail, when it meets the end, but is never there twice.
    my ($failed) = $method eq 'POST' && $wrong =~ s/^(\d+) 502 .*\z//s ? $1 : 0;
    is($wrong, '', "$count x $method, a server that closes after $most answers");
    ok($failed <= $count / 20, "$count x $method: $failed have failed");
    kill KILL => $pid;
    waitpid $pid, 0;
}
clean('connections that die');

# --- many at once -------------------------------------------------------------------------------

# Hundreds of requests on their way, with ends that break off by chance: whoever gets an answer
# gets his own.
srand 7;
for my $place ('/pool/', '/off/', '/', '/zip/') {
    $backend->script(sub {
        my ($uri) = $_[0]{uri};
        my ($n) = $uri =~ /(\d+)$/;
        my $body = "$uri:" x (1 + $n % 97 * 10);
        my $head = "HTTP/1.1 200 OK\r\nX-Id: $uri\r\nContent-Type: text/plain\r\n";
        return [$head, \'reset'] if $n % 13 == 3;
        return ["${head}Content-Length: 1000000\r\n\r\n", $body, \'close'] if $n % 13 == 5;
        return [$head . "Transfer-Encoding: chunked\r\n\r\n" . chunked($body =~ /.{1,999}/gs)]
            if $n % 3 == 0;
        return answer(200, $body, 'X-Id' => $uri);
    });
    my (@conns, %wrong, $right);
    for my $n (1 .. 300) {
        my $conn = ask("GET ${place}many$n");
        if ($n % 17 == 2) {
            $n % 2 ? $conn->reset : $conn->close;
            next;
        }
        push @conns, [$n, $conn];
        # Some leave when their answers have begun.
        $conn->read_bytes(10), $conn->reset, pop @conns if $n % 29 == 7;
    }
    for my $one (@conns) {
        my ($n, $conn) = @$one;
        my $answer = $conn->read_response // {status => 0, body => '', header => {}};
        my $uri = "${place}many$n";
        my $want = "$uri:" x (1 + $n % 97 * 10);
        if ($n % 13 == 3) {
            $wrong{"reset: $answer->{status}"}++ unless $answer->{status} == 502;
        } elsif (($answer->{header}{'x-id'} // '') ne $uri) {
            $wrong{"id: $answer->{status}"}++;
        } elsif ($n % 13 == 5) {
            $wrong{'cut'}++ unless defined $answer->{error}
                && $answer->{body} eq substr $want, 0, length $answer->{body};
        } else {
            $wrong{"body of $n"}++ if $answer->{body} ne $want || defined $answer->{error};
            $right++;
        }
        $conn->close;
    }
    is(join(' ', %wrong), '', "$place: each has its own");
    ok($right > 200, "$place: $right whole answers");
}
clean('many at once');
$t->stop;

# --- few connections ----------------------------------------------------------------------------

# The limit counts those to servers as well. Idle ones make room, those of a request do not.
my $few = Test::Weir->new(name => 'few');
$few->write_conf(<<'CONF');
worker_processes 1;
events { worker_connections 12; }
http {
    access_log logs/access.log combined;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream one { server 127.0.0.1:%%PORT1%% max_fails=0; keepalive 16; }
    upstream two { server 127.0.0.1:%%PORT2%% max_fails=0; keepalive 16; }
    upstream blamed { server 127.0.0.1:%%PORT2%%; server 127.0.0.1:%%PORT2%%; keepalive 16; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://one; }
        location /two/ { proxy_pass http://two; }
        location /blamed/ { proxy_pass http://blamed; }
        location /plain { return 200 plain; }
    }
}
CONF
$few->allow_log(qr/worker_connections are not enough/);
$few->start;
my $one = Test::Weir::Backend->new($few->port(1), [\'body', \'go', answer(200, 'one')]);
my $two = Test::Weir::Backend->new($few->port(2), answer(200, 'two'));
sub few_ask
{
    my ($uri) = @_;
    my $conn = Test::Weir::Conn->new($few->port);

    $conn->write("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return $conn;
}
my @held;
for my $n (1 .. 5) {
    push @held, few_ask("/$n");
    $one->wait_for_requests($n);
}
$one->go for 1 .. 5;
is(join(' ', map { $_->read_response->{body} } @held), 'one one one one one', 'five at once');
@held = ();
# Five are idle now; another server needs their room.
$two->script([\'body', \'go', answer(200, 'two')]);
for my $n (1 .. 5) {
    push @held, few_ask("/two/$n");
    last unless poll_until(1, sub { $two->requests == $n });
}
my $got = $two->requests;
$two->go for 1 .. $got;
my @answers = map { ($_->read_response // {status => 'none'})->{status} } @held;
is(scalar(grep { $_ eq '200' } @answers), $got, 'who has got through is answered');
ok($got >= 4, "idle connections make room: $got")
    unless skipped('room', differs => 'nginx takes the room of idle clients only');
@held = ();
# More than there is room for: some are refused or wait, all ends well.
$two->script(answer(200, 'two'));
@held = map { few_ask("/blamed/$_") } 1 .. 12;
my %ends;
$ends{($_->read_response // {status => 'none'})->{status}}++ for @held;
note('more than there is room for: ', join ' ', map { "$_ $ends{$_}" } sort keys %ends);
is(join(' ', grep { !/^(?:200|500|none)$/ } keys %ends), '', 'no other ends');
@held = ();
is((get($few->port, '/two/') // {body => 'none'})->{body}, 'two', 'there is room again');
is((get($few->port, '/blamed/') // {body => 'none'})->{body}, 'two', 'no server is to blame');
$few->stop;
done_testing();
