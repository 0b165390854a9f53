#!/usr/bin/perl

# Backends that die: of three, one after the other is killed every second and comes again half a
# second later, for a minute (SOAK_SECONDS says how long), while clients ask for what may be asked
# twice. None of them sees an error. After that the same with nginx (NGINX names it).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::Weir;
use Test::Weir::Load;
use Test::Weir::Parts qw(nginx skip_without_part);
use Test::Weir::Util qw(slurp);
use Time::HiRes qw(time);

use constant {BACKENDS => 3, DEAD => 0.5, BESIDE => 10};

skip_without_part('nginx');
skip_file(differs => 'nginx is measured beside it') if on_oracle();
my $seconds = $ENV{SOAK_SECONDS} // 60;
my $nginx = $ENV{NGINX} // '/usr/sbin/nginx';

# Of each backend: where its files go and its port, and the program when it runs.
my @backends = map { {home => Test::Weir->new(name => "backend $_")} } 1 .. BACKENDS;

sub come
{
    my ($backend) = @_;

    $backend->{part} = nginx($backend->{home}, <<'CONF');
events { }
http {
    access_log off;
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 fine; } }
}
CONF
}

# Without a word to those that are connected.
sub die_at_once
{
    my ($backend) = @_;

    kill KILL => -$backend->{part}->pid;
    $backend->{part}->stop;
}

sub server
{
    my ($name) = @_;
    my $t = Test::Weir->new(name => $name);
    my $servers = join "\n", map {
        'server 127.0.0.1:' . $_->{home}->port . ' fail_timeout=1s;'
    } @backends;

    $t->write_conf(<<"END");
worker_processes 2;
error_log logs/error.log error;
events { }
http {
    log_format tries '\$upstream_status';
    map \$upstream_addr \$again { default 0; ~, 1; }
    access_log logs/again.log tries if=\$again;
    upstream app { zone app 64k; $servers keepalive 16; }
    server {
        listen 127.0.0.1:%%PORT%%;
        keepalive_requests 1000000;
        location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
END
    $t->start(cold => 1);
    return $t;
}

# The report of the clients, and how many backends were killed.
sub soak
{
    my ($t, $for) = @_;
    my $load = Test::Weir::Load->start(port => $t->port, like => qr/^fine$/, pause => 0.005,
        keepalive => 10, fresh => 4, pipelined => 3, idle => 4);
    my ($began, $kills) = (time, 0);

    while (time < $began + $for) {
        my $victim = $backends[$kills % BACKENDS];
        my $from = $began + $kills++;
        die_at_once($victim);
        wait_for { time > $from + DEAD } 10, 'half a second';
        come($victim);
        wait_for { time > $from + 1 } 10, 'a second';
    }
    return ($load->stop, $kills);
}

sub show
{
    my ($t, $report, $kills) = @_;
    my @again = split /\n/, $t->access_log('logs/again.log');
    my %kinds;

    $kinds{$_}++ for @again;
    diag("$t->{name}: $report->{requests} requests, $kills backends killed, "
        . @again . ' requests asked again: '
        . join ', ', map { "$kinds{$_} x ($_)" } sort keys %kinds);
    diag("$t->{name}: $_: $report->{$_}") for qw(failed cut closed_by_server reused_race);
    diag("$t->{name}: $_") for @{$report->{reasons}};
}

come($_) for @backends;
my $t = server('deaths');
my ($report, $kills) = soak($t, $seconds);
is($report->{failed}, 0, 'no request failed') or diag("@{$report->{reasons}}");
is($report->{closed_by_server}, 0, 'no connection was closed');
is($report->{reused_race}, 0, 'nor while a request came');
cmp_ok($kills, '>=', int($seconds / 2), "$kills backends were killed");
cmp_ok(scalar(() = $t->access_log('logs/again.log') =~ /\n/g), '>=', $kills / 2,
    'and that was noticed');
show($t, $report, $kills);
$t->stop('QUIT');

SKIP: {
    skip "no $nginx here", 1 unless -x $nginx;
    local $ENV{WEIR_ORACLE} = $nginx;
    my $other = server('nginx');
    show($other, soak($other, $seconds < BESIDE ? $seconds : BESIDE));
    $other->allow_log(qr/./);
    $other->stop('TERM');
}

done_testing();
