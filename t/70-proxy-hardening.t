#!/usr/bin/perl

# What a reviewer who meant harm has found in the proxy, one case each.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');

my $own = !on_oracle();
my $t = Test::Weir->new(name => 'hardening');
my $queued = $own ? <<'E' : '';
    upstream queued { server 127.0.0.1:%%PORT3%% max_conns=1 fail_timeout=60s;
        server 127.0.0.1:%%PORT4%% max_conns=1 fail_timeout=60s; queue 10 timeout=10s; }
    server {
        listen 127.0.0.1:%%PORT8%%;
        location / { proxy_next_upstream off; proxy_pass http://queued; }
        location /other/ { proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /memcached/ { set $memcached_key a; error_page 500 = /other/;
            memcached_pass $arg_to; }
        location /rate/ { proxy_limit_rate $arg_rate; proxy_pass http://127.0.0.1:%%PORT1%%; }
    }
E
$t->write_conf(<<"E");
worker_processes 1;
worker_shutdown_timeout 200ms;
events { }
http {
    access_log off;
$queued    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        location = /ok { return 200 ok; }
        location /never/ { proxy_read_timeout 1500ms; proxy_pass http://127.0.0.1:%%PORT5%%; }
        location /ignore/ { proxy_ignore_client_abort on; proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection upgrade; }
        location /ws/ { proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection upgrade; }
        location /copied/ { mirror /copy; proxy_pass http://127.0.0.1:%%PORT2%%; }
        location = /copy { internal; proxy_pass http://127.0.0.1:%%PORT6%%; }
        location /plain/ { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /other/ { proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /store/ { root %%DIR%%/proxy_temp; proxy_store on; proxy_force_ranges on;
            error_page 416 = /other/; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /page/ { ssi on; ssi_types *; proxy_read_timeout 1s; proxy_buffering off;
            proxy_pass http://127.0.0.1:%%PORT1%%; }
    }
}
E
$t->start;
my ($worker) = $t->worker_pids;
my $b = Test::Weir::Backend->new($t->port(1), answer(200, "plain\n"));
my $other = Test::Weir::Backend->new($t->port(2), answer(200, "other\n"));
my $silent = Test::Weir::Backend->new($t->port(5), [\'head', \'hang']);
my $switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\n";
my $upgrade = "Connection: upgrade\r\nUpgrade: raw\r\n";

sub ask
{
    my ($uri, $more) = @_;
    my $c = Test::Weir::Conn->new($t->port);

    $c->write("GET $uri HTTP/1.1\r\nHost: a\r\n" . ($more // '') . "\r\n");
    return $c;
}

# All that has happened before was seen by the one worker.
sub seen
{
    return get($t->port, '/ok')->{status};
}

# More than a second goes by.
sub wait_long
{
    return is(get($t->port, '/never/')->{status}, 504, 'time passes');
}

# --- clients that go ----------------------------------------------------------------------------

$b->script([\'head', \'go', $switch, \'taken', \'go', 'bytes of a tunnel', \'close']);
my $c = ask('/ignore/', $upgrade);
$b->wait_for_requests(1);
$c->reset;
seen();
$b->go;
seen();
$b->go;
$b->wait_closed(1);
is(seen(), 200, 'a server switches to a tunnel, but its client has gone');

if (!skipped('queue', differs => 'this nginx has no queue of clients')) {
    my @servers = map { Test::Weir::Backend->new($t->port($_), [\'head', \'go', \'reset']) } 3, 4;
    my @clients = map {
        my $client = Test::Weir::Conn->new($t->port(8));
        $client->write("GET /$_ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        $client
    } 1 .. 3;
    $_->wait_for_requests(1) for @servers;
    seen();
    $_->go for @servers;
    is(join(' ', map { $_->read_response->{status} } @clients), '502 502 502',
        'who waits for a server hears that all have failed');
    $_->close for @clients;
    wait_long();
    is(get($t->port(8), '/')->{status}, 502, 'and is forgotten');
}

if (!skipped('mirror', differs => 'the next request does not wait for a mirror')) {
    my $copy = Test::Weir::Backend->new($t->port(6), [\'head', \'go', answer(200, '')]);
    $b->script([\'head', $switch, \'taken', \'close']);
    $c = ask('/copied/');
    is($c->read_response->{body}, "other\n", 'an answer, while a copy of its request is under way');
    $copy->wait_for_requests(1);
    $c->write("GET /ws/ HTTP/1.1\r\nHost: a\r\n$upgrade\r\n");
    $b->wait_closed(1);
    seen();
    $copy->go;
    like($c->read_all, qr{\AHTTP/1\.1 101 }, 'then a tunnel that ends at once');
    is(seen(), 200, 'the connection outlives the copy');
}

# --- answers instead of others ------------------------------------------------------------------

$b->script([\'head', "HTTP/1.1 200 x\r\nContent-Length: 6\r\n\r\n123", \'go', '456']);
$c = ask('/store/a', "Range: bytes=100-\r\nConnection: close\r\n");
$b->wait_for_requests(1);
if (!skipped('a page for 416', differs => 'there is no page for a range of a passed answer')) {
    is($c->read_response->{body}, "other\n", 'the page for 416 is not what is stored meanwhile');
    $b->go;
    wait_for { -s $t->dir . '/proxy_temp/store/a' } 5, 'a file is stored';
}

$b->script("HTTP/1.1 200 x\r\nContent-Length: 6\r\n\r\n");
is(request($t->port, 'HEAD', '/store/head')->{status}, 200, 'a head alone');
seen();
ok(!-e $t->dir . '/proxy_temp/store/head', 'is not stored as an empty file');

if (!skipped('memcached', since => '1.29.0')) {
    is(get($t->port(8), '/memcached/?to=nowhere')->{body}, "other\n",
        'the page for 500 does not go where the failed one could not');
}

# --- time ---------------------------------------------------------------------------------------

my $page = '<!--#include virtual="/other/" -->abc';
my $page_head = answer(200, $page, 'Content-Type' => 'text/html') =~ s/abc\z//r;
$b->script([\'head', $page_head, \'go', 'abc']);
$other->script([\'head', \'go', answer(200, "other\n")]);
$c = ask('/page/', "Connection: close\r\n");
$other->wait_for_requests(1);
$b->go;
wait_long();
$other->go;
is($c->read_response->{body}, "other\nabc", 'a server that has sent is not late, its reader is');

if (!skipped('rate', since => '1.27.0')) {
    $b->script([\'head', "HTTP/1.1 200 x\r\nContent-Length: 6\r\n\r\n123", \'go', '456']);
    $c = Test::Weir::Conn->new($t->port(8));
    $c->write("GET /rate/?rate=9223372036854775807 HTTP/1.1\r\nHost: a\r\n\r\n");
    $b->wait_for_requests(1);
    wait_long();
    $b->go;
    is($c->read_response->{body}, '123456', 'the largest rate is no small one');
}

$b->script(answer(200, "plain\n"));
my $options = 'Connection: ' . join(',', ('a') x 3000) . "\r\n";
if (!skipped('options', differs => 'nginx does not look at them')) {
    is(ask('/plain/', $options x 2)->read_response->{status}, 400, 'thousands of nominated fields');
    is(ask('/plain/', 'Connection: ' . join(',', map { "a$_" } 1 .. 100) . "\r\n")
        ->read_response->{status}, 200, 'a hundred of them');
}

# --- the end ------------------------------------------------------------------------------------

is(join(' ', $t->worker_pids), $worker, 'the worker lives');
if (!skipped('the end', differs => 'it waits for what its client has left')) {
    $b->script([\'head', \'hang']);
    $c = ask('/ignore/');
    $b->wait_for_requests(1);
    $c->reset;
    seen();
}
$t->stop('QUIT');
done_testing();
