#!/usr/bin/perl

# The binary upgrade: USR2 starts a new master with the sockets of the old one, which then ends or
# takes over again. And weir in the place of a running nginx, by the same means.

use strict;
use warnings;
use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Util qw(alive processes slurp);

use constant LARGE => 8_000_000;

my $broken = qr/unknown directive "nonsense"/;

sub conf
{
    my ($text) = @_;

    return <<"END";
worker_processes 2;
pid logs/server.pid;
error_log logs/error.log info;
events { }
http {
    access_log off;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$text\\n"; }
        location /large { root html; }
    }
}
END
}

# What a file has as its only line, a pid.
sub pid_in
{
    my ($path) = @_;

    return (slurp($path) // '') =~ /^(\d+)\n\z/ ? $1 : 0;
}

# The pids of a master's workers, without those that shut down.
sub workers
{
    my ($master) = @_;
    my $all = processes();

    return grep { $all->{$_}{ppid} == $master && $all->{$_}{title} =~ /: worker process$/ }
        keys %$all;
}

sub text
{
    my ($t) = @_;
    my $answer = get($t->port, '/');

    return $answer ? $answer->{body} : 'nothing';
}

sub ask
{
    my ($conn) = @_;

    $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return $conn->read_response;
}

# USR2 to the master that the pid file names; the new one's pid, once it has workers.
sub upgrade
{
    my ($t, $what) = @_;
    my $old = $t->master_pid;
    my $new;

    $t->signal('USR2');
    wait_for { $new = pid_in($t->pid_file), $new && $new != $old } 10, "$what: a new pid file";
    wait_for { workers($new) == 2 } 10, "$what: workers of the new master";
    return $new;
}

# --- forward ------------------------------------------------------------------------------------

my $t = Test::Weir->new(name => 'upgrade');
$t->write_file('html/large', 'x' x LARGE);
$t->write_conf(conf('one'));
$t->start_daemon;
my $file = $t->pid_file;
my $old = $t->master_pid;

my $idle = Test::Weir::Conn->new($t->port);
is(ask($idle)->{body}, "one\n", 'a connection to the old');
my $download = Test::Weir::Conn->new($t->port);
$download->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
$download->read_until(qr/\r\n\r\n/);

$t->write_conf(conf('two'));
my $new = upgrade($t, 'forward');
is(pid_in("$file.oldbin"), $old, 'the old master is in pid.oldbin');
is(processes()->{$new}{ppid}, $old, 'the new one is its child');
is(scalar(workers($old)), 2, 'the old workers are there still');
is(ask($idle)->{body}, "one\n", 'and answer');

# Which of both accepts is for the kernel to say; many at once get to both.
my %texts;
wait_for {
    my @many = map { Test::Weir::Conn->new($t->port) } 1 .. 40;
    $texts{ask($_)->{body}}++ for @many;
    $texts{"one\n"} && $texts{"two\n"};
} 10, 'answers of both';
is_deeply([sort keys %texts], ["one\n", "two\n"], 'both answer new connections');

$t->allow_log(qr/the changing binary signal is ignored/);
kill USR2 => $old;
wait_for { $t->error_log =~ /signal is ignored/ } 10, 'a refusal';
kill USR2 => $new;
wait_for { (() = $t->error_log =~ /SIGUSR2\) received from/g) >= 3 } 10, 'the signal was seen';
is_deeply([pid_in($file), pid_in("$file.oldbin")], [$new, $old], 'no third master');

kill QUIT => $old;
wait_for { !workers($old) } 10, 'the old workers shut down';
is(text($t), "two\n", 'the new answers while the old ends');
is(length($download->read_bytes(LARGE)), LARGE, 'a download from the old is whole');
$_->close for $download, $idle;
wait_for { !alive($old) } 10, 'the end of the old';
ok(!-e "$file.oldbin", 'without its pid file');
is(pid_in($file), $new, 'that of the new is there');
is(join(' ', map { text($t) } 1 .. 4), join(' ', ("two\n") x 4), 'the new answers');
$t->write_conf(conf('three'));
is(($t->reload)[0], 0, 'and is what a reload reaches');
is(text($t), "three\n", 'which it obeys');

# --- and back -----------------------------------------------------------------------------------

$old = $t->master_pid;
$t->write_conf(conf('four'));
$new = upgrade($t, 'back');
kill WINCH => $old;
wait_for { !workers($old) } 10, 'an old master without workers';
is(join(' ', map { text($t) } 1 .. 8), join(' ', ("four\n") x 8), 'the new is alone');
ok(alive($old), 'the old waits');
kill HUP => $old;
wait_for { workers($old) == 2 } 10, 'old workers again';
kill QUIT => $new;
wait_for { !alive($new) } 10, 'the end of the new';
wait_for { pid_in($file) == $old } 10, 'the old has its name back';
ok(!-e "$file.oldbin", 'and not the other');
is(join(' ', map { text($t) } 1 .. 8), join(' ', ("three\n") x 8),
    'with the configuration that it had');
is(scalar(workers($old)), 2, 'and two workers') unless on_oracle();
is(($t->reload)[0], 0, 'a reload reaches it again');
is(text($t), "four\n", 'and has it read again');

# Without WINCH and HUP: when the new ends, the old was never away.
for my $signal (qw(TERM KILL)) {
    next if $signal eq 'KILL' && skipped('the new master is killed', differs => 'its workers stay');
    $t->allow_log(qr/exited with code 137/);
    $new = upgrade($t, $signal);
    kill $signal => $new;
    wait_for { !alive($new) && pid_in($file) == $old } 10, 'the old alone';
    is(text($t), "four\n", "$signal to the new: as if nothing had been");
    is(scalar(workers($old)), 2, 'the old has its workers, and no more') unless on_oracle();
    is(($t->reload)[0], 0, 'and can be reached');
}

# A new one that cannot start.
$t->allow_log($broken);
$t->write_conf(conf('five') =~ s/events/nonsense on;\nevents/r);
$t->signal('USR2');
wait_for { $t->error_log =~ /process \d+ exited with code 1\b/ } 10,
    'a new master that fails';
wait_for { pid_in($file) == $old } 10, 'the old has its name back';
like($t->error_log, $broken, 'it is said why');
$t->write_conf(conf('six'));
is(($t->reload)[0], 0, 'the old goes on');
is(text($t), "six\n", 'and obeys');
$t->stop('QUIT');

# --- nginx, then weir ---------------------------------------------------------------------------

my $nginx = $ENV{NGINX} // '/usr/sbin/nginx';

# A copy of nginx is started, and weir put in its place: what it starts then is weir.
sub replace_nginx
{
    my $server = Test::Weir->new(name => 'nginx');
    my $weir = Test::Weir::binary();
    my $path = $server->write_file('bin/server', '');

    copy($nginx, $path) && chmod 0755, $path or die "cannot copy $nginx: $!";
    $server->write_file('html/large', 'x' x LARGE);
    {
        local $ENV{WEIR_ORACLE} = $path;
        $server->write_conf(conf('nginx'));
        $server->start_daemon;
    }
    my $before = $server->master_pid;
    my $last = Test::Weir::Conn->new($server->port);
    $last->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    like($last->read_until(qr/\r\n\r\n/), qr/^Server: nginx/m, 'nginx runs');

    unlink $path;
    copy($weir, $path) && chmod 0755, $path or die "cannot copy $weir: $!";
    $server->write_conf(conf('weir'));
    my $after = upgrade($server, 'nginx');
    like(processes()->{$after}{title}, qr/^weir: master process \Q$path\E/, 'its heir is weir');
    like($server->error_log, qr/using inherited sockets from "\d+;/, 'on its socket');
    kill QUIT => $before;
    wait_for { !workers($before) } 10, 'no workers of nginx';
    is(length($last->read_bytes(LARGE)), LARGE, 'a download from nginx is whole');
    $last->close;
    wait_for { !alive($before) } 10, 'the end of nginx';
    my $answer = get($server->port, '/');
    like($answer->{header}{server}, qr/^weir/, 'weir answers');
    is($answer->{body}, "weir\n", 'with its configuration');
    is(pid_in($server->pid_file), $after, 'and has the pid file');
    ok(!-e $server->pid_file . '.oldbin', 'alone');
    $server->write_conf(conf('again'));
    is(($server->reload)[0], 0, 'a reload');
    is(text($server), "again\n", 'works');
    is(upgrade($server, 'weir') && kill(QUIT => $after), 1, 'an upgrade from there');
    wait_for { !alive($after) } 10, 'the end of the first weir';
    is(text($server), "again\n", 'works as well');
    $server->stop('QUIT');
}

replace_nginx() if !on_oracle() && -x $nginx;

done_testing();
