#!/usr/bin/perl

# Reloads: 50 of them between requests on living connections, none of which may notice.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

skip_file(differs => 'a reload keeps workers and connections') if on_oracle();

my $reloads = $ENV{WEIR_RELOADS} // 50;

sub conf
{
    my ($n) = @_;

    my $extra = $n % 3 ? '' : 'server { listen 127.0.0.1:%%PORT1%%; return 200 "extra\n"; }';
    my $filler = join "\n", map { "location /filler$_ { return 200 \"$n $_\"; }" } 1 .. $n % 7;
    return <<"E";
worker_processes 2;
error_log logs/error.log info;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { root html; }
        location /n { return 200 "$n\\n"; }
        $filler
    }
    $extra
}
E
}

my $t = Test::Weir->new(name => 'reloads');
$t->write_file('html/large', 'x' x 20_000_000);
$t->write_conf(conf(0));
$t->start;
my $workers = join ' ', sort $t->worker_pids;

my @keep = map { Test::Weir::Conn->new($t->port) } 1 .. 6;
my $download = Test::Weir::Conn->new($t->port);
$download->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
$download->read_until(qr/\r\n\r\n/);
my $idle = Test::Weir::Conn->new($t->port);

sub ask
{
    my ($conn) = @_;

    $conn->write("GET /n HTTP/1.1\r\nHost: a\r\n\r\n");
    return $conn->read_response->{body};
}

is(ask($idle), "0\n", 'a connection before the reloads');
my ($failed, $wrong) = (0, 0);
for my $n (1 .. $reloads) {
    $t->write_conf(conf($n));
    my ($status, $output) = $t->reload;
    $failed++, diag($output) if $status;
    for my $conn (@keep) {
        my $body = ask($conn) // 'nothing';
        $wrong++, diag("$n: $body") if $body ne "$n\n";
    }
    $wrong++ if get($t->port, '/n')->{body} ne "$n\n";
    $wrong++ if $n % 3 == 0 && get($t->port(1), '/')->{body} ne "extra\n";
}
is($failed, 0, "$reloads reloads succeeded");
is($wrong, 0, 'each request after a reload saw its configuration, on old and new connections');
is(ask($idle), "$reloads\n", 'a connection that was idle for all of them');
is(length($download->read_bytes(20_000_000)), 20_000_000, 'a download across all of them is whole');
is(join(' ', sort $t->worker_pids), $workers, 'the workers are the same');

# What is broken changes nothing, and the caller is told.
$t->allow_log(qr/unknown directive "nonsense"/);
$t->write_conf(conf(1) =~ s/events/nonsense on;\nevents/r);
my ($status, $output) = $t->reload;
isnt($status, 0, 'a broken configuration is refused');
like($output, qr/unknown directive "nonsense"/, 'with its error');
is(ask($idle), "$reloads\n", 'and the old one goes on');

# More workers, then fewer: nobody is lost.
$t->write_conf(conf(1) =~ s/worker_processes 2/worker_processes 4/r);
($status, $output) = $t->reload;
is($status, 0, 'four workers') or diag($output);
wait_for { $t->worker_pids == 4 } 5, 'four workers are there';
is(ask($idle), "1\n", 'an old connection');
$_->close for @keep, $idle, $download;
$t->write_conf(conf(2) =~ s/worker_processes 2/worker_processes 1/r);
($status) = $t->reload;
is($status, 0, 'one worker');
wait_for { $t->worker_pids == 1 } 20, 'one worker is left';
my $answered = grep { get($t->port, '/n')->{body} eq "2\n" } 1 .. 20;
is($answered, 20, 'which accepts from the sockets of all');

$t->stop('QUIT');
is($t->run_conf('-s', 'reload')->{status}, 1, 'a reload of a server that does not run fails');

done_testing();
