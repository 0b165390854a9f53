# The numbers of stub_status are those of all workers, of those that have gone too.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

my $conf = <<'CONF';
worker_processes 2;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /status { stub_status; }
        location / { return 200 text; }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        stub_status;
        location /own { return 200 own; }
    }
}
CONF

my $t = Test::Weir->new(name => 'numbers of all workers');
$t->write_conf($conf);
$t->start;

my $status = sub {
    my $answer = get($t->port, '/status');
    my %status;
    @status{qw(active accepts handled requests reading writing waiting)}
        = $answer->{body} =~ /(\d+)/g;
    return \%status;
};

is(get($t->port(1), '/')->{body} =~ /^Active connections: 1 /, 1, 'in a server');
is(get($t->port(1), '/own')->{body}, 'own', 'it is not for its locations');
my $before = $status->();
is("@$before{qw(accepts handled requests)}", '3 3 3', 'the first numbers');

my @idle = map { Test::Weir::Conn->new($t->port) } 1 .. 20;
for my $conn (@idle) {
    $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    $conn->read_response for 1 .. 2;
}
ok(wait_for(sub { $status->()->{waiting} == 20 }, 5, 'idle connections'), 'idle connections');
# The connection that has asked before may be closing still.
my $some;
ok(wait_for(sub {
    $some = $status->();
    "@$some{qw(active reading writing waiting)}" eq '21 0 1 20';
}, 5, 'the stages'), 'of all workers');
is($some->{requests} - $some->{accepts}, 20, 'two requests on each of them');

my $fresh = Test::Weir::Conn->new($t->port);
ok(wait_for(sub { $status->()->{waiting} == 21 }, 5, 'a new one'), 'one without a byte waits');
$fresh->write("POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
ok(wait_for(sub { $status->()->{writing} == 2 }, 5, 'a body'),
    'one whose body has not come is written to');
$fresh->read_response;
$fresh->close;
ok(wait_for(sub { $status->()->{active} == 21 }, 5, 'the end'), 'and is gone');

# --- reloads ------------------------------------------------------------------------------------

$t->write_conf($conf =~ s/worker_processes 2/worker_processes 3/r);
my $last = $status->();
$t->reload;
my $next = $status->();
ok($next->{accepts} > $last->{accepts} && $next->{requests} > $last->{requests},
    'a reload takes nothing away');
$_->close for @idle;
ok(wait_for(sub { $status->()->{active} == 1 }, 5, 'the idle ones'), 'idle ones have ended');

# --- dead workers -------------------------------------------------------------------------------

my @conns = map { Test::Weir::Conn->new($t->port) } 1 .. 5;
for my $conn (@conns) {
    $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    $conn->read_response;
}
$last = $status->();
my %old = map { $_ => 1 } $t->worker_pids;
$t->allow_log(qr/exited on signal 9/);
kill 'KILL', keys %old;
ok(wait_for(sub { my @new = grep { !$old{$_} } $t->worker_pids; @new == 3 }, 10, 'new workers'),
    'new workers');
$next = $status->();
is($next->{active}, 1, 'what they had is gone')
    unless skipped('connections of dead workers', differs => 'nginx counts them forever');
is("@$next{qw(accepts handled requests)}", join(' ', map { $last->{$_} + 1 }
        qw(accepts handled requests)), 'what they counted is not');
$t->stop;
done_testing();
