# Real programs that a proxy is tried with: memcached, nginx as an origin, and Node with ws.
# Owns, per object, one process group, which ends with the object.
package Test::Weir::Parts;

use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use Test::More ();
use Test::Weir::Conf qw(globals listen_targets oracle_text);
use Test::Weir::Process qw(reap spawn);
use Test::Weir::Util qw(group_pids poll_until slurp spew tail tcp_sockets);

our @EXPORT_OK = qw(find_part memcached nginx node skip_without_part);

# Debian keeps the packages of Node here, where only its own node looks.
my %node_env = (NODE_PATH => join ':', grep { defined } $ENV{NODE_PATH}, '/usr/share/nodejs');

# The path of a program, or of Node for the part "ws"; undef when it is not there.
sub find_part
{
    my ($name) = @_;
    my $program = $name eq 'ws' ? 'node' : $name;
    my ($path) = grep { -x } map { "$_/$program" } split(/:/, $ENV{PATH} // ''), '/usr/sbin';

    return $path unless defined $path && $name eq 'ws';
    local %ENV = (%ENV, %node_env);
    return system("'$path' -e 'require(\"ws\")' >/dev/null 2>&1") == 0 ? $path : undef;
}

# Leaves the whole file out when a part is missing; before the first test.
sub skip_without_part
{
    my (@names) = @_;
    my @missing = grep { !defined find_part($_) } @names;

    Test::More::plan(skip_all => "not installed: @missing (see configure --install-deps)")
        if @missing;
}

sub _start
{
    my ($server, $name, $env, $targets, @command) = @_;
    my $self = bless {name => $name, owner => $$, log => $server->dir . "/$name.out"}, __PACKAGE__;
    my %opt = (out => $self->{log}, err => $self->{log}, env => $env);
    my $pid = $self->{pid} = spawn(\%opt, @command);
    my $status;

    # Where the server's files go when the test is killed, this goes too.
    ($self->{parts} = $server->{parts} //= {})->{$pid} = 1;
    poll_until(undef, sub {
        return 1 if defined($status = reap($pid, 0));
        my %ports = map { $_->{local} => 1 } grep { $_->{state} == 0x0A } tcp_sockets();
        return !grep { m{^/} ? !-S : !$ports{$_} } @$targets;
    }) && !defined $status
        or croak join "\n", "$name does not start", tail($self->log, 10);
    return $self;
}

# A memcached on a port of 127.0.0.1 or a socket path; its files go where those of $server are.
sub memcached
{
    my ($server, $where) = @_;
    my @place = $where =~ m{^/} ? ('-s', $where, '-a', '0777')
        : ('-l', '127.0.0.1', '-p', $where, '-U', 0);
    my @user = $> == 0 ? ('-u', 'nobody') : ();

    chmod 0777, $server->dir if $where =~ m{^/} && @user;
    return _start($server, 'memcached', {}, [$where], find_part('memcached'), '-t', 1, '-m', 16,
        @place, @user);
}

# Debian's nginx with a configuration of its own, with the placeholders of $server; its prefix is
# origin/ below that of $server.
sub nginx
{
    my ($server, $conf) = @_;
    my $dir = $server->dir . '/origin';
    my $text = oracle_text($server->expand($conf));

    for my $path ($dir, "$dir/conf", "$dir/logs", "$dir/html") {
        mkdir $path, 0755;
    }
    spew("$dir/conf/nginx.conf", $text);
    return _start($server, 'nginx', {}, [listen_targets($text)], find_part('nginx'), '-p', "$dir/",
        '-c', "$dir/conf/nginx.conf", '-e', "$dir/logs/error.log", '-g', globals($text, 1));
}

# A program for Node, with the placeholders of $server, that listens on a port or socket path.
sub node
{
    my ($server, $where, $program) = @_;
    my $path = $server->write_file('node/main.js', $program);

    return _start($server, 'node', {%node_env}, [$where], find_part('node'), $path);
}

# What it has written so far.
sub log { return slurp($_[0]{log}) // '' }

sub pid { return $_[0]{pid} }

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    local $?;

    kill TERM => -$pid;
    my $ended = defined reap($pid, 2);
    kill KILL => -$pid if group_pids($pid);
    reap($pid) unless $ended;
    delete $self->{parts}{$pid};
}

sub DESTROY
{
    my ($self) = @_;
    local ($@, $!);

    $self->stop if $self->{owner} == $$;
}

1;
