#!/usr/bin/perl

# systemd: what it is told by NOTIFY_SOCKET, its watchdog, and the sockets that it passes on.

use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(:DEFAULT);
use Test::Weir;
use Test::Weir::Util qw(alive slurp);

skip_file(differs => 'nginx does not talk to systemd') if on_oracle();

sub conf
{
    my ($listen, $main) = @_;

    $main //= '';
    return <<"END";
$main
pid logs/server.pid;
error_log logs/error.log info;
events { }
http {
    access_log off;
    server {
        listen $listen;
        return 200 "text\\n";
    }
}
END
}

# --- what is told ---------------------------------------------------------------------------------

# The other end of NOTIFY_SOCKET: one message at a time, as a hash, or nothing yet.
sub notify_socket
{
    my ($path) = @_;
    my $socket = IO::Socket::UNIX->new(Local => $path, Type => SOCK_DGRAM) or die "$path: $!";

    # Nothing may block the test, nor the server.
    fcntl $socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK;
    return $socket;
}

sub message
{
    my ($socket) = @_;

    defined recv $socket, my $text, 4096, 0 or return;
    return {map { /^(\w+)=(.*)\z/s ? ($1 => $2) : ("bad line $_" => 1) } split /\n/, $text};
}

# The next message that has a word in it, of whatever may come before.
sub told
{
    my ($socket, $word) = @_;
    my $found;

    wait_for {
        while (my $message = message($socket)) {
            return $found = $message if exists $message->{$word};
        }
        0;
    } 10, "a message with $word";
    return $found // {};
}

# All that has come until now.
sub heard
{
    my ($socket) = @_;
    my @all;

    while (my $message = message($socket)) {
        push @all, $message;
    }
    return @all;
}

my $t = Test::Weir->new(name => 'notify');
my $socket = notify_socket($t->dir . '/logs/notify');
my %env = (NOTIFY_SOCKET => $t->dir . '/logs/notify');
$t->write_conf(conf('127.0.0.1:%%PORT%%'));
$t->start(cold => 1, env => \%env);
my $message = told($socket, 'READY');
is($message->{READY}, 1, 'READY');
is($message->{MAINPID}, $t->master_pid, 'with MAINPID');
like($message->{STATUS}, qr/generation 1 is running/, 'and STATUS');

my $before = POSIX::floor(uptime() * 1_000_000);
is(($t->reload)[0], 0, 'a reload');
$message = told($socket, 'RELOADING');
is($message->{RELOADING}, 1, 'RELOADING');
cmp_ok($message->{MONOTONIC_USEC} // 0, '>=', $before, 'with the time');
cmp_ok($message->{MONOTONIC_USEC} // 0, '<=', uptime() * 1_000_000, 'of the monotonic clock');
$message = told($socket, 'READY');
is($message->{READY}, 1, 'READY again');
like($message->{STATUS}, qr/generation 2 is running/, 'and what it is');

$t->allow_log(qr/unknown directive "nonsense"/);
$t->write_conf(conf('127.0.0.1:%%PORT%%', "nonsense on;\nmore nonsense;"));
isnt(($t->reload)[0], 0, 'a reload that is refused');
is(told($socket, 'RELOADING')->{RELOADING}, 1, 'RELOADING');
$message = told($socket, 'READY');
is($message->{READY}, 1, 'READY with the old configuration');
like($message->{STATUS}, qr/was not changed, generation 2 goes on: .*nonsense/, 'and why');
is_deeply([grep { !/^(?:READY|STATUS)$/ } keys %$message], [], 'and nothing else');

sub uptime
{
    return POSIX::strtod((split ' ', slurp('/proc/uptime'))[0]);
}

# An upgrade: the new master is the service, until it ends before the old one does.
$t->write_conf(conf('127.0.0.1:%%PORT%%'));
my $old = $t->master_pid;

sub upgrade
{
    my $from = $t->master_pid;

    $t->signal('USR2');
    my $told = told($socket, 'MAINPID');
    isnt($told->{MAINPID}, $from, 'an upgrade: MAINPID is another');
    is($told->{READY}, 1, 'with READY');
    wait_for { $t->master_pid == $told->{MAINPID} } 10, 'the pid file says the same';
    return $told->{MAINPID};
}

my $new = upgrade();
kill QUIT => $new;
is(told($socket, 'MAINPID')->{MAINPID}, $old, 'the new one goes: the old is the service again');
wait_for { !alive($new) && $t->master_pid == $old } 10, 'its end';
ok(!grep({ exists $_->{STOPPING} } heard($socket)), 'without STOPPING');
$new = upgrade();
kill KILL => $new;
$t->allow_log(qr/exited with code 128/);
wait_for { !alive($new) && $t->master_pid == $old } 10, 'the end of one that is killed';
is(told($socket, 'MAINPID')->{MAINPID}, $old, 'the old is the service again');
$new = upgrade();
kill QUIT => $old;
wait_for { !alive($old) } 10, 'the end of the old';
ok(!grep({ exists $_->{STOPPING} } heard($socket)), 'is not that of the service');
is(get($t->port, '/')->{body}, "text\n", 'which goes on');
$t->stop;
is(told($socket, 'STOPPING')->{STOPPING}, 1, 'STOPPING');

# A name in the abstract space, and one that nobody reads.
my $name = "weir-test-$$";
$socket = notify_socket("\0$name");
$t = Test::Weir->new(name => 'abstract');
$t->write_conf(conf('127.0.0.1:%%PORT%%'));
$t->start(cold => 1, env => {NOTIFY_SOCKET => "\@$name"});
is(told($socket, 'READY')->{READY}, 1, 'a name in the abstract space');
$t->stop('TERM');
is(told($socket, 'STOPPING')->{STOPPING}, 1, 'STOPPING also at TERM');
close $socket;
$t->start(cold => 1, env => {NOTIFY_SOCKET => $t->dir . '/logs/nobody'});
is(get($t->port, '/')->{body}, "text\n", 'nobody listens: that harms nobody');
$t->stop;

# --- the watchdog ---------------------------------------------------------------------------------

$t = Test::Weir->new(name => 'watchdog');
$socket = notify_socket($t->dir . '/logs/notify');
%env = (NOTIFY_SOCKET => $t->dir . '/logs/notify', WATCHDOG_USEC => 800_000,
    WATCHDOG_PID => undef);

# Ten within six seconds: half of the interval apart they take four, the interval apart eight.
sub signs
{
    my $count = 0;

    wait_for {
        while (my $message = message($socket)) {
            $count++ if exists $message->{WATCHDOG};
        }
        $count >= 10;
    } 6, 'signs of life';
    return $count;
}

for my $main ('', 'master_process off;') {
    my $who = $main ? 'one process' : 'a master';
    $t->write_conf(conf('127.0.0.1:%%PORT%%', $main));
    $t->start(cold => 1, env => \%env);
    is(told($socket, 'READY')->{MAINPID}, $t->master_pid, "$who is ready");
    is(told($socket, 'WATCHDOG')->{WATCHDOG}, 1, 'and says that it lives');
    cmp_ok(signs(), '>=', 10, 'again and again');
    $t->signal('HUP');
    is(told($socket, 'RELOADING')->{RELOADING}, 1, 'it reloads');
    is(told($socket, 'READY')->{READY}, 1, 'is ready');
    is(told($socket, 'WATCHDOG')->{WATCHDOG}, 1, 'and lives on');
    $t->stop;
    is(told($socket, 'STOPPING')->{STOPPING}, 1, 'it stops');
    heard($socket);
}

# systemd names the process that it waits for. An upgrade makes that another.
$t->write_conf(conf('127.0.0.1:%%PORT%%'));
$t->start(cold => 1, env => \%env, before_exec => sub { $ENV{WATCHDOG_PID} = $$ });
is(told($socket, 'READY')->{MAINPID}, $t->master_pid, 'a process that is waited for by number');
cmp_ok(signs(), '>=', 10, 'lives');
$old = $t->master_pid;
$new = upgrade();
kill QUIT => $old;
wait_for { !alive($old) } 10, 'the end of the old master';
heard($socket);
cmp_ok(signs(), '>=', 10, 'its heir lives as well');
$t->stop;
heard($socket);
$t->start(cold => 1, env => {%env, WATCHDOG_PID => $$});
told($socket, 'READY');
is(($t->reload)[0], 0, 'a reload');
my @all;
wait_for { push @all, heard($socket); grep { exists $_->{READY} } @all } 10, 'its outcome';
ok(!grep({ exists $_->{WATCHDOG} } @all), 'a watchdog that waits for somebody else hears nothing');
$t->stop;

# --- sockets --------------------------------------------------------------------------------------

# Starts a server with these sockets, from descriptor 3 on. Option: pid (default: the right one).
sub activate
{
    my ($server, $sockets, %opt) = @_;

    $server->start(cold => 1, before_exec => sub {
        my @copies = map { POSIX::dup(fileno $_) } @$sockets;
        @copies = map { POSIX::dup($_) } @copies while grep { $_ < 3 + @copies } @copies;
        POSIX::dup2($copies[$_], 3 + $_) for 0 .. $#copies;
        POSIX::close($_) for @copies;
        @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} =
            ($opt{pid} // $$, scalar(@$sockets), join ':', map { "name$_" } @$sockets);
    });
}

sub tcp
{
    my ($port, %opt) = @_;

    return IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, ReuseAddr => 1,
        Listen => 16, %opt) // die "port $port: $@";
}

my $get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

sub ask
{
    my ($where) = @_;
    my $conn = Test::Weir::Conn->new($where);

    $conn->write($get);
    return $conn;
}

sub answer
{
    my ($conn) = @_;
    my $r = $conn->read_response;

    return $r ? $r->{body} : 'nothing';
}

$t = Test::Weir->new(name => 'activated');
my $path = $t->dir . '/logs/a.sock';
my $tcp = tcp($t->port);
my $unix = IO::Socket::UNIX->new(Local => $path, Listen => 16) or die "$path: $!";
chmod 0600, $path or die "chmod: $!";
my $listen = "127.0.0.1:%%PORT%%; listen unix:$path";
$t->write_conf(conf($listen, 'worker_processes 2;'));
my @early = map { ask($_) } $t->port, $path;
activate($t, [$tcp, $unix]);
is(answer($_), "text\n", 'whoever came before the server is served') for @early;
is(join('', map { get($t->port, '/')->{body} } 1 .. 10), "text\n" x 10, 'a port that was passed');
is(get($path, '/')->{body}, "text\n", 'a path that was passed');
is((stat $path)[2] & 07777, 0600, 'its mode is that of whoever made it');
unlike($t->error_log, qr/inherited socket/, 'nothing is told of sockets that are used');
is(($t->reload)[0], 0, 'a reload');
is(get($_, '/')->{body}, "text\n", 'keeps them') for $t->port, $path;
$t->stop;
ok(-S $path, 'the file stays when the server goes');
@early = map { ask($_) } $t->port, $path;
activate($t, [$tcp, $unix]);
is(answer($_), "text\n", 'whoever came meanwhile is served') for @early;
$old = $t->master_pid;
$t->signal('USR2');
wait_for { $t->master_pid != $old && $t->worker_pids == 2 } 10, 'a new master';
kill QUIT => $old;
wait_for { !alive($old) } 10, 'the end of the old';
is(get($_, '/')->{body}, "text\n", 'an upgrade passes them on') for $t->port, $path;
$t->stop;
ok(-S $path, 'also then the file stays');
close $_ for $tcp, $unix;

# A port that may be shared, as ReusePort= makes it.
$tcp = tcp($t->port, ReusePort => 1);
$t->write_conf(conf('127.0.0.1:%%PORT%%', 'worker_processes 2;'));
activate($t, [$tcp]);
is(join('', map { get($t->port, '/')->{body} } 1 .. 20), "text\n" x 20, 'a port that may be shared');
$t->stop;
close $tcp;

# What nobody wants.
$t = Test::Weir->new(name => 'superfluous');
$tcp = tcp($t->port(1));
my $datagrams = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $t->port,
    Type => SOCK_DGRAM) or die "datagrams: $@";
$t->write_conf(conf('127.0.0.1:%%PORT%%'));
activate($t, [$tcp, $datagrams]);
my $said = '\[warn\] .* no "listen" names the inherited socket ';
like($t->error_log, qr/$said#3 of 127\.0\.0\.1:${\ $t->port(1)}: closed/,
    'a socket that no listen names is told');
like($t->error_log, qr/$said#4 of 127\.0\.0\.1:${\ $t->port}: closed/, 'and one of datagrams');
is(get($t->port, '/')->{body}, "text\n", 'the server has its own socket');
close $tcp;
ok(!eval { Test::Weir::Conn->new($t->port(1)) }, 'the other is closed');
$t->stop;
$tcp = tcp($t->port(1));
activate($t, [$tcp], pid => 1);
is(get($t->port, '/')->{body}, "text\n", 'sockets for another process');
is(scalar(() = $t->error_log =~ /$said/g), 2, 'are not looked at');
$t->stop;

done_testing();
