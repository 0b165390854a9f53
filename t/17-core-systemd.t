#!/usr/bin/perl

# systemd: what it is told by NOTIFY_SOCKET, its watchdog, and the sockets that it passes on.

use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFD F_SETFL O_NONBLOCK);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(:DEFAULT);
use Test::Weir;
use Test::Weir::Util qw(alive processes slurp);

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
%env = (NOTIFY_SOCKET => $t->dir . '/logs/notify', WATCHDOG_USEC => 400_000,
    WATCHDOG_PID => undef);

# Ten within six seconds: half of the interval apart they take two, the interval apart they take four.
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

done_testing();
