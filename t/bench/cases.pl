# The cases of the benchmark, a row each. Evaluates to the list of them; owns nothing.
#
# name what target     what it is called, what it does, and the ratio to nginx that is aimed at
# http server          text for these contexts; %%FILES%% has the files that t/bench/run makes,
#                      %%PORT%% is the port of the server, %%ORIGIN%% that of another nginx,
#                      %%PEERS%% are `server` lines with a hundred ports of that one
# path headers body    the request (header lines; bytes of the body, which make it a POST), or
# list                 code that gives the lines "path host" of requests sent in turn
# connections together how many (32), and requests sent at once on each (1)
# floor                with a row for t/bench/floor.c: its words
# log                  the access log, which must get a line for each request
# same                 headers that must be there, with the same value from both servers
# note                 code that gives a remark from the answers of weir and nginx

use strict;
use warnings;

my $files = 'location / { root %%FILES%%; }';

my $proxy = <<'CONF';
location / {
    proxy_pass http://origin;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
}
CONF
my $origin = 'upstream origin { server 127.0.0.1:%%ORIGIN%%; keepalive 64; }';

my $peers = 'upstream peers { least_conn; %%PEERS%% keepalive 128; }';

my $rewrite_http = <<'CONF';
map $http_user_agent $kind {
    default browser;
    ~*(?:bot|crawler|spider) robot;
    ~^(?:curl|wget)/ tool;
}
map $arg_lang $lang { default en; de de; fr fr; es es; it it; }
CONF
my $rewrite = <<'CONF';
if ($request_method = DELETE) { return 405; }
if ($http_x_blocked) { return 403; }
rewrite ^/shop/([0-9]+)/(.+)$ /item/$2?id=$1;
location /item/ {
    alias %%FILES%%/;
    add_header X-Kind $kind;
    add_header X-Lang $lang;
    add_header X-Item $arg_id;
}
CONF

# Of the 1,000 servers, this many have the locations; the others only a root.
use constant {SERVERS => 1000, WITH_LOCATIONS => 10, LOCATIONS => 200};

sub many_servers
{
    my $text = "server_names_hash_max_size 4096;\nserver_names_hash_bucket_size 128;\n";
    my $locations = join '', map { "location ~ ^/part$_/[a-z0-9]+\\.txt\$ { }\n" }
        0 .. LOCATIONS - 1;

    for my $i (0 .. SERVERS - 1) {
        my $more = $i < WITH_LOCATIONS ? $locations : '';
        $text .= "server {\nlisten 127.0.0.1:%%PORT%%;\nserver_name n$i.example.com;\n" .
            "root %%FILES%%;\n$more}\n";
    }
    return $text;
}

sub many_requests
{
    return map { my $part = $_; map { "/part$part/1k.txt n$_.example.com" }
        0 .. WITH_LOCATIONS - 1 } 0 .. LOCATIONS - 1;
}

sub gzip_sizes
{
    my ($weir, $nginx) = @_;

    return sprintf 'compressed: weir %d bytes, nginx %d', map { length $_->{body} } $weir, $nginx;
}

return (
    {
        name => 'file', what => '1 KiB file, keepalive', target => 0.70, server => $files,
        path => '/1k.txt', floor => [],
    }, {
        name => 'log', what => 'the same with an access log', target => 0.72,
        server => "access_log logs/access.log;\n$files", path => '/1k.txt',
        log => 'logs/access.log',
    }, {
        name => 'open-files', what => 'the same with open_file_cache', target => 0.78,
        server => "open_file_cache max=1000 inactive=60s;\nopen_file_cache_valid 60s;\n$files",
        path => '/1k.txt',
    }, {
        name => '100k', what => '100 KiB file', target => 0.85, server => $files,
        path => '/100k.bin', connections => 16,
    }, {
        name => '10m', what => '10 MiB file', target => 1.00, server => $files,
        path => '/10m.bin', connections => 2,
    }, {
        name => 'connect', what => '1 KiB file, a new connection each', target => 0.90,
        server => $files, path => '/1k.txt', headers => ['Connection: close'], floor => ['close'],
    }, {
        name => 'return', what => 'return 200 with a short text', target => 0.80,
        server => 'location / { return 200 "hello\n"; }', path => '/', floor => [],
    }, {
        name => 'pipeline', what => '1 KiB file, 16 requests at once', target => 0.40,
        server => $files, path => '/1k.txt', connections => 256, together => 16,
        floor => [],
    }, {
        name => 'names', what => '1,000 server names, 200 regex locations', target => 0.80,
        http => many_servers(), server => $files, list => \&many_requests,
    }, {
        name => 'rewrite', what => 'rewrite, map, if, add_header', target => 0.75,
        http => $rewrite_http, server => $rewrite, path => '/shop/1753/1k.txt?lang=de',
        headers => ['User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101'],
        same => [qw(x-kind x-lang x-item)],
    }, {
        name => 'gzip', what => 'gzip of 20 KiB text', target => 0.70,
        server => "gzip on;\ngzip_types text/plain;\n$files", path => '/20k.txt',
        headers => ['Accept-Encoding: gzip'], same => ['content-encoding'],
        note => \&gzip_sizes,
    }, {
        name => 'limit', what => 'limit_req, 100,000 keys', target => 0.85,
        http => 'limit_req_zone $arg_key zone=keys:32m rate=1000r/s;',
        server => "limit_req zone=keys burst=1000 nodelay;\n$files",
        list => sub { return map { "/1k.txt?key=client-$_" } 1 .. 100_000 },
    }, {
        name => 'ssi', what => 'page with four SSI includes', target => 0.80,
        server => "ssi on;\n$files", path => '/page.html',
    }, {
        name => 'proxy', what => 'proxy, 1 KiB, keepalive to the origin', target => 0.85,
        http => $origin, server => $proxy, path => '/1k.txt',
    }, {
        name => 'proxy-100k', what => 'proxy, 100 KiB', target => 0.55,
        http => $origin, server => $proxy, path => '/100k.bin', connections => 16,
    }, {
        name => 'upload', what => 'proxy, upload of 10 MiB', target => 0.80,
        http => "client_max_body_size 0;\n$origin", server => $proxy, path => '/upload.txt',
        connections => 4, body => 10 << 20,
    }, {
        name => 'least-conn', what => 'proxy, 1 KiB, least_conn of 100 servers', target => 0.85,
        http => $peers, server => $proxy =~ s/origin/peers/r, path => '/1k.txt',
    },
);
