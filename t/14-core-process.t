#!/usr/bin/perl

# Processes: workers that die are replaced, logs are reopened, a stop is clean, a second start fails.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

my $conf = <<'E';
worker_processes 2;
error_log logs/error.log info;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { root html; }
        location /text { return 200 "text\n"; }
    }
}
E

my $t = Test::Weir->new(name => 'processes');
$t->write_file('html/large', 'x' x 8_000_000);
$t->write_conf($conf);
$t->start;

is(scalar($t->worker_pids), 2, 'two workers');
my ($one) = $t->worker_pids;
$t->allow_log(qr/exited on signal 9/);
kill KILL => $one;
wait_for { my @now = $t->worker_pids; @now == 2 && !grep { $_ == $one } @now } 5, 'a replacement';
is(get($t->port, '/text')->{body}, "text\n", 'served after a worker was killed');

rename $t->dir . '/logs/error.log', $t->dir . '/logs/old.log' or die "rename: $!";
$t->signal('USR1');
wait_for { -e $t->dir . '/logs/error.log' } 5, 'a new log file';
wait_for { get($t->port, '/missing'); $t->error_log =~ /missing" failed/ } 5, 'lines in the new file';

$t->allow_log(qr/bind\(\) to .* failed|still could not bind/);
my $second = $t->run_conf('-g', 'daemon off; pid logs/second.pid; error_log logs/second.log;');
isnt($second->{status}, 0, 'a second start fails');
like($second->{err}, qr/bind\(\) to 127\.0\.0\.1:\d+ failed \(98: Address already in use\)/,
    'and says why');
is(get($t->port, '/text')->{body}, "text\n", 'the first goes on');

# A graceful stop lets downloads end; a fast one does not wait for them.
my $other = Test::Weir::Conn->new($t->port);
$other->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
$other->read_until(qr/\r\n\r\n/);
my $slow = Test::Weir::Conn->new($t->port);
$slow->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
$slow->read_until(qr/\r\n\r\n/);
$t->signal('QUIT');
wait_for { $t->error_log =~ /gracefully shutting down/ } 5, 'a worker that finishes';
is(length($slow->read_bytes(8_000_000)), 8_000_000, 'the download is whole');
$slow->close;
# nginx calls what it still had open then a leak.
$t->allow_log(qr/open socket #\d+ left in connection|\baborting$/) if on_oracle();
$t->stop('TERM');
$other->close;

done_testing();
