# Groups under pressure: who waits for a server, and what becomes of it.

use FindBin;
use IO::Select;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('queue');
skip_file(differs => 'nginx has no queue') if on_oracle();

my $t = Test::Weir->new(name => 'groups');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    proxy_next_upstream off;
    upstream u {
        server 127.0.0.1:%%PORT1%% max_conns=1 fail_timeout=1ms;
        server 127.0.0.1:1 down;
        queue 1;
        keepalive 0;
    }
    server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://u; } }
}
CONF
my $backend = Test::Weir::Backend->new($t->port(1), answer(200, ''));
$t->start;

sub ask
{
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    return $conn;
}

sub answered
{
    return IO::Select->new(map { $_->{socket} } @_)->can_read(0);
}

# A request that the server has, once it has forgiven an earlier failure.
sub held
{
    my (@last) = @_;

    $backend->script(answer(200, ''), [\'body', \'go', @last]);
    wait_for { get($t->port, '/')->{status} == 200 } 5, 'the server is asked again';
    my $conn = ask();
    $backend->wait_for_requests(2);
    return $conn;
}

# --- requests in the queue whose last server fails ----------------------------------------------

# The one that finds the queue full says that the other one is in it.
sub fill
{
    my @waits = (ask(), ask());

    wait_for { answered(@waits) } 5, 'one is too many';
    return @waits;
}

my ($worker) = $t->worker_pids;
for (1 .. 3) {
    my $first = held(\'close');
    my @waits = fill();
    $backend->go;
    is($first->read_response->{status}, 502, 'the server has failed');
    is($_->read_response->{status}, 502, 'nobody else is left') for @waits;
}
my $first = held(answer(200, ''));
my @waits = fill();
$backend->go;
is($first->read_response->{status}, 200, 'the server is back');
$backend->wait_for_requests(3);
$backend->go;
is(join(' ', sort map { $_->read_response->{status} } @waits), '200 502', 'there is room for one');
is(($t->worker_pids)[0], $worker, 'the worker is the same');

done_testing();
