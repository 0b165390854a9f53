# A proxy and a backend that does what it is told: the ways in which a dialogue goes on or ends.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    proxy_read_timeout 60s;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /streamed/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_request_buffering off;
            proxy_buffering off;
        }
        location /socket/ { proxy_pass http://unix:%%DIR%%/backend.sock; }
        location /hasty/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_connect_timeout 1s; }
    }
}
CONF
$t->start;
my $backend = Test::Weir::Backend->new($t->port(1), answer(200, "plain\n"));

sub ask
{
    my ($line, @more) = @_;
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write(join "\r\n", "$line HTTP/1.1", 'Host: a', @more, '', '');
    return $conn;
}

is(get($t->port, '/')->{body}, "plain\n", 'a backend');
is(($backend->requests)[0]{method}, 'GET', 'has the request');

# Every byte of the answer is a read of its own.
for my $kind (["Content-Length: 5\r\n\r\nhello", 'with a length'],
    ["Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 'chunked'])
{
    my ($rest, $name) = @$kind;
    $backend->script([\'body', map({ ($_, \'taken') } split //, "HTTP/1.1 200 OK\r\n$rest")]);
    is(get($t->port, '/')->{body}, 'hello', "byte by byte, $name");
}

# A body that is passed on as it comes, in both directions.
$backend->script([\'head', "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", \'go', 'abc', \'go',
    'def', \'body']);
my $conn = ask('POST /streamed/', 'Content-Length: 6');
$conn->write('123');
ok(wait_for(sub { $backend->received(1) =~ /\r\n\r\n123\z/ }, 5, 'the first half'),
    'half of a request body');
is(scalar $backend->requests, 0, 'is no request yet');
is($conn->read_until(qr/\r\n\r\n/) =~ /^HTTP\S+ (\d+)/ && $1, 200, 'the head of the answer');
$backend->go;
is($conn->read_bytes(3), 'abc', 'half of the answer');
$conn->write('456');
is(($backend->wait_for_requests(1))[0]{body}, '123456', 'the whole request');
$backend->go;
is($conn->read_bytes(3), 'def', 'the whole answer');
$conn->close;

# A client that goes away: its backend connection is closed.
$backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", \'hang']);
for my $how (qw(close reset)) {
    $conn = ask('GET /streamed/');
    $conn->read_until(qr/abc/);
    $conn->$how;
    my $count = $backend->connections;
    ok($backend->wait_closed($count), "a client that leaves by $how");
}

# Ends of the backend's making.
my $head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
for my $case (
    [502, 'closes at once', \'connect', \'close'],
    [502, 'resets at once', \'connect', \'reset'],
    [502, 'closes after the request', \'body', \'close'],
    [502, 'resets after the request', \'body', \'reset'],
    [502, 'closes within the head', \'body', 'HTTP/1.1 200', \'taken', \'close'],
    [200, 'half-closes after its answer', \'body', "${head}abcdef", \'half'],
    [200, 'answers before it is asked to the end', \'head', "${head}abcdef"],
    )
{
    my ($status, $name, @steps) = @$case;
    $backend->script(\@steps);
    my $answer = request($t->port, 'POST', '/', body => 'x' x 1000);
    is($answer->{status}, $status, "a backend that $name");
    is($answer->{error}, undef, 'the answer is whole');
}
$backend->script([\'body', "${head}abc", \'taken', \'close']);
$conn = ask('GET /');
is($conn->read_response->{error}, 'only 3 of 6 bytes', 'a backend that closes within the body');
isnt($conn->state, 'open', 'the client sees it');

# Nobody there.
$backend->refuse;
is(get($t->port, '/')->{status}, 502, 'no backend');
$backend->overflow;
is(get($t->port, '/hasty/')->{status}, 504, 'a backend that does not accept');
$backend->script(sub { answer(200, $_[0]{body}, 'X-Got' => $_[0]{header}{'content-length'}) });
my $answer = request($t->port, 'POST', '/', body => 'echo');
is($answer->{body}, 'echo', 'it is there again');
is($answer->{header}{'x-got'}, 4, 'and calculates its answer');

my $other = Test::Weir::Backend->new($t->dir . '/backend.sock', answer(200, "socket\n"));
is(get($t->port, '/socket/')->{body}, "socket\n", 'a backend on a socket');
$t->stop;
undef $other;

run_tests();

__DATA__

=== the backend of a block
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_set_header Host a:%%PORT1%%; }
--- request: GET /one
--- tcp_reply
HTTP/1.1 200 OK\r\n
Content-Length: 4\r\n
\r\n
one\n
--- tcp_query_like
^GET /one HTTP/1\.[01]\r\n(?:.*\r\n)?Host: a:%%PORT1%%\r\n
--- response_body
one

=== each request has its reply
--- pipelined_requests
GET /two
~~~
GET /three
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo
--- tcp_reply: HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nthree
--- tcp_query_like: ^GET /two
--- tcp_query_like: ^GET /three
--- error_code: 200 404
--- response_body chomp
two
~~~
three

=== a backend that resets
--- request: GET /reset
--- tcp_reply: HTTP/1.1 200 OK
--- tcp_reply_close: reset
--- error_code: 502
--- error_log: upstream

=== no reply, no backend
--- request: GET /none
--- error_code: 502
--- error_log: (111: Connection refused)

=== nothing is asked of it
--- config
location / { return 204; }
--- request: GET /
--- error_code: 204
--- tcp_reply: x
--- tcp_query:
