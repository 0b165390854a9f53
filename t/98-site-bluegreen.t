#!/usr/bin/perl

# Releases by reload, under load: from blue to green and back, a part of the requests first, servers
# that come and go. Nobody notices, and a side that is not in the configuration is asked no more.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;
use Test::Weir::Load;
use Test::Weir::Parts qw(nginx skip_without_part);
use Test::Weir::WebSocket qw(echo);

# So many requests show who is asked.
use constant {FIRST => 80, MANY => 150};

skip_without('proxy_pass');
skip_without_part('nginx');

my $t = Test::Weir->new(name => 'switch');
my %ports = (blue1 => 1, blue2 => 2, green1 => 3, green2 => 4);
my $conf = <<'CONF';
worker_processes 2;
error_log logs/error.log warn;
events { }
http {
    access_log off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    %%APP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://app; }
        location /socket {
            proxy_pass http://socket;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
        location /slow { proxy_pass http://slow; }
    }
}
CONF

# Both sides are there all the time, as real servers that count what they are asked.
sub origin
{
    my $text = "events { } http { keepalive_timeout 1h; log_format one 'x';\n";

    for my $name (sort keys %ports) {
        $text .= "server { listen 127.0.0.1:%%PORT$ports{$name}%%; access_log logs/$name one;\n"
            . "root %%DIR%%/html; location / { return 200 $name; }\n"
            . "location = /large { access_log off; } }\n";
    }
    return nginx($t, "$text}");
}

sub counted { return (-s $t->dir . "/origin/logs/$_[0]" // 0) / 2 }

sub upstream
{
    my ($name, @servers) = @_;

    return join "\n", "upstream $name {", "zone $name 64k;", 'keepalive 8;',
        map({ "server $_;" } @servers), '}';
}

# The configuration of a side, or of servers with parameters ("blue1 weight=2").
sub configure
{
    my ($side, @servers) = @_;
    my @text = map { s/^(\w+)/127.0.0.1:%%PORT$ports{$1}%%/r } @servers;
    my ($socket, $slow) = $side eq 'blue' ? (5, 7) : (6, 8);

    my $groups = join "\n", upstream('app', @text),
        upstream('socket', "127.0.0.1:%%PORT$socket%%"),
        upstream('slow', "127.0.0.1:%%PORT$slow%%");
    $t->write_conf($conf =~ s/%%APP%%/$groups/r);
}

sub switch
{
    my ($what, @configuration) = @_;

    configure(@configuration);
    my ($status, $output) = $t->reload;
    is($status, 0, $what) or diag($output);
}

# Waits until each of these was asked so often.
sub wait_asked
{
    my ($what, $count, @names) = @_;
    my %before = map { $_ => counted($_) } keys %ports;

    ok((wait_for { !grep { counted($_) < $before{$_} + $count / @names } @names } 20, $what),
        "$what: @names are asked");
}

# And checks that nobody asks the others meanwhile.
sub asked_only
{
    my ($what, @names) = @_;
    my %wanted = map { $_ => 1 } @names;
    my @others = grep { !$wanted{$_} } sort keys %ports;

    # Requests that were on their way when it was loaded come to an end first.
    wait_asked("first $what", FIRST, @names);
    my %before = map { $_ => counted($_) } @others;
    wait_asked("then $what", MANY, @names);
    is_deeply({map { $_ => counted($_) - $before{$_} } @others}, {map { $_ => 0 } @others},
        "$what: nobody else is");
}

# Who answers to so many requests, in numbers.
sub spread
{
    my ($count) = @_;
    my %got;

    $got{get($t->port, '/')->{body}}++ for 1 .. $count;
    return join ' ', map { "$_ $got{$_}" } sort keys %got;
}

$t->write_file('html/large', join '', map { pack 'N', rand 2**32 } 1 .. 1_000_000);
my $origin = origin();
my @sockets = map { Test::Weir::Backend->new($t->port($_), echo()) } 5, 6;
my @slow = map { Test::Weir::Backend->new($t->port($_), [\'body', \'go', answer(200, $_)]) } 7, 8;
configure('blue', 'blue1', 'blue2');
$t->start;

# --- the switch ---------------------------------------------------------------------------------

my $load = Test::Weir::Load->start(port => $t->port, like => qr/^(?:blue|green)[12]$/,
    keepalive => 6, fresh => 3, upload => 1, download => 2, idle => 4,
    file => $t->dir . '/html/large');
asked_only('before', 'blue1', 'blue2');
my $ws = Test::Weir::WebSocket->new($t->port, '/socket');
ok($ws->open, 'a WebSocket to blue');
my $waiting = Test::Weir::Conn->new($t->port);
$waiting->write("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
$slow[0]->wait_for_requests(1);

switch('to green', 'green', 'green1', 'green2');
asked_only('green', 'green1', 'green2');
$ws->send(text => 'still');
is($ws->receive->{payload}, 'still', 'the WebSocket is where it was');
my $new = Test::Weir::WebSocket->new($t->port, '/socket');
$new->send(text => 'new');
is($new->receive->{payload}, 'new', 'a new one');
is(scalar($_->connections), 1, 'each side has one') for @sockets;
$slow[0]->go;
is($waiting->read_response->{body}, 7, 'a request that was waiting has the answer of blue');

switch('back to blue', 'blue', 'blue1', 'blue2');
asked_only('blue again', 'blue1', 'blue2');
$_->send(text => 'both') for $ws, $new;
is($_->receive->{payload}, 'both', 'both WebSockets go on') for $ws, $new;
$_->conn->close for $ws, $new;

# --- one step after the other -------------------------------------------------------------------

switch('one server less', 'blue', 'blue1');
asked_only('one server less', 'blue1');
switch('one of the other side', 'blue', 'blue1 weight=3', 'green1');
asked_only('a mixture', 'blue1', 'green1');
switch('and one that is only there for need', 'blue', 'blue1', 'green1 backup', 'green2 down');
asked_only('the one that is not', 'blue1');
switch('nothing new', 'blue', 'blue1', 'green1 backup', 'green2 down');
asked_only('the same', 'blue1');
switch('all', 'green', 'green1', 'green2', 'blue1', 'blue2');
asked_only('all', sort keys %ports);

my $report = $load->stop;
is($report->{failed}, 0, 'no request failed in all that') or diag("@{$report->{reasons}}");
cmp_ok($report->{answered}{$_}, '>', 0, "$_: $report->{answered}{$_} answers")
    for qw(keepalive fresh upload download idle);
unless (skipped('connections of clients', differs => 'they stay with their worker')) {
    is($report->{closed_by_server}, 0, 'no connection of a client was closed');
    is($report->{reused_race}, 0, 'nor while a request came');
}

# --- how much for whom --------------------------------------------------------------------------

for my $case (
    [['blue1', 'green1'], 'blue1 4 green1 4'],
    [['blue1 weight=3', 'green1'], 'blue1 6 green1 2'],
    [['blue1', 'green1 weight=7'], 'blue1 1 green1 7'],
    [['blue1 down', 'green1', 'green2'], 'green1 4 green2 4'],
    [['blue1 backup', 'green1'], 'green1 8'],
    [['blue2', 'blue1', 'green2', 'green1'], 'blue1 2 blue2 2 green1 2 green2 2'],
    [['green2'], 'green2 8'],
    )
{
    my ($servers, $wanted) = @$case;
    switch("@$servers", 'green', @$servers);
    # Servers that stay keep their turn, so the first requests may be spread a bit otherwise.
    spread(16);
    is(spread(8), $wanted, "then: $wanted");
}

# A configuration that is refused leaves everything as it is.
configure('green', 'blue1 weight=0');
my ($status) = $t->reload;
isnt($status, 0, 'a mistake');
is(spread(4), 'green2 4', 'changes nothing');

# A side that is not there yet is told from one that is.
$origin->stop;
is(get($t->port, '/')->{status}, 502, 'nobody there');
$origin = origin();
switch('and here again', 'blue', 'blue1', 'blue2');
is(spread(4), 'blue1 2 blue2 2', 'a reload begins anew, also for those that had failed');
$t->stop('QUIT');

done_testing();
