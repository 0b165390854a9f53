#!/usr/bin/perl

# A Node application behind the usual lines (X-Forwarded-*, the map of Upgrade) and, on another
# port, behind proxy_pass alone: pages, an API, uploads, events and WebSockets.

use strict;
use warnings;
use Compress::Raw::Zlib;
use Digest::SHA qw(sha1_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP qw(decode_json encode_json);
use Test::Weir;
use Test::Weir::Conn;
use Test::Weir::Parts qw(node skip_without_part);
use Test::Weir::WebSocket;

use constant UPLOAD => 5 << 20;

skip_without('proxy_pass');
skip_without_part('ws');

my $application = <<'JS';
const http = require('http'), crypto = require('crypto'), WebSocket = require('ws');
const streams = new Set(), sockets = new WebSocket.Server({ noServer: true });
let emitted = 0;

function json(res, status, value, headers) {
    res.writeHead(status, Object.assign({ 'Content-Type': 'application/json' }, headers));
    res.end(JSON.stringify(value));
}

// The answer is made when the body is there: its length and digest are those of what came.
function read(req, then) {
    const digest = crypto.createHash('sha1'), parts = [];
    req.on('data', part => { digest.update(part); parts.push(part); });
    req.on('end', () => then(Buffer.concat(parts), digest.digest('hex')));
}

const routes = {
    '/api/echo': (req, res) => read(req, body => {
        let value;
        try { value = JSON.parse(body); } catch (e) { return json(res, 400, { error: 'no JSON' }); }
        json(res, 201, { value, length: body.length }, { 'X-Method': req.method });
    }),
    '/api/upload': (req, res) => read(req, (body, sha1) =>
        json(res, 200, { length: body.length, sha1, type: req.headers['content-type'] })),
    '/api/headers': (req, res) => json(res, 200, req.headers),
    '/api/fail': (req, res) => json(res, 500, { error: 'on purpose' }),
    '/api/list': (req, res) => json(res, 200, Array.from({ length: 5000 }, (_, id) => ({ id }))),
    '/api/early': (req, res) => json(res, 413, { error: 'too large' }, { Connection: 'close' }),
    '/api/none': (req, res) => { res.writeHead(204); res.end(); },
    '/page': (req, res) => {
        const etag = '"v1"', fields = { ETag: etag, 'Content-Type': 'text/html' };
        if (req.headers['if-none-match'] === etag) { res.writeHead(304, fields); return res.end(); }
        res.writeHead(200, fields);
        res.end('<p>page</p>\n');
    },
    '/login': (req, res) => read(req, body => {
        const user = new URLSearchParams(body.toString()).get('user');
        res.writeHead(302, { Location: '/home', 'Set-Cookie': [`user=${user}; Path=/; HttpOnly`,
            'theme=dark; Expires=Wed, 01 Jan 2031 00:00:00 GMT'] });
        res.end();
    }),
    '/home': (req, res) => res.end(`cookies ${req.headers.cookie}\n`),
    '/absolute': (req, res) => {
        res.writeHead(301, { Location: `http://${req.headers.host}/page` });
        res.end();
    },
    '/parts': (req, res) => {
        res.write('one\n');
        setImmediate(() => { res.write('two\n'); setImmediate(() => res.end('three\n')); });
    },
    '/events': (req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
        res.write(': open\n\n');
        streams.add(res);
        req.on('close', () => streams.delete(res));
    },
    '/emit': (req, res) => read(req, body => {
        emitted++;
        for (const stream of streams) stream.write(`id: ${emitted}\ndata: ${body}\n\n`);
        json(res, 200, { streams: streams.size });
    }),
};

const server = http.createServer((req, res) => {
    const route = routes[req.url.split('?')[0]];
    route ? route(req, res) : json(res, 404, { error: 'no route', url: req.url });
});
server.on('upgrade', (req, socket, head) => {
    if (!req.url.startsWith('/socket')) return socket.end('HTTP/1.1 403 Forbidden\r\n' +
        'Connection: close\r\nContent-Length: 0\r\n\r\n');
    sockets.handleUpgrade(req, socket, head, ws => {
        ws.send(JSON.stringify({ hello: req.headers['x-forwarded-for'] || 'unknown' }));
        ws.on('message', (data, binary) => data.toString() === 'bye' ? ws.close(4001, 'bye')
            : data.toString() === 'all' ? sockets.clients.forEach(other => other.send('to all'))
            : ws.send(data, { binary }));
    });
});
server.listen(%%PORT1%%, '127.0.0.1');
JS

my $t = Test::Weir->new(name => 'node');
$t->write_file('html/assets/app.js', "let a = 1;\n" x 200);
$t->write_file('html/favicon.ico', "icon\n");
$t->write_conf(<<'CONF');
worker_processes 1;
error_log logs/error.log info;
events { }
http {
    include %%SRC%%/conf/mime.types;
    log_format node '$request_method $request_uri $status $upstream_status';
    access_log logs/access.log node;
    gzip on;
    gzip_types application/json application/javascript text/event-stream;
    gzip_proxied any;
    client_max_body_size 20m;

    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream app { server 127.0.0.1:%%PORT1%%; keepalive 16; }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name app.example;
        location / {
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
        location /assets/ { root html; expires 1h; }
        location = /favicon.ico { root html; }
    }
    server {
        listen 127.0.0.1:%%PORT2%%;
        location / { proxy_pass http://app; }
        location /assets/ { root html; }
        location /mounted/ { proxy_pass http://127.0.0.1:%%PORT1%%/; }
    }
}
CONF
my $node = node($t, $t->port(1), $application);
$t->start;

# A request on either port: the answer, and what its JSON says.
sub ask
{
    my ($port, $method, $path, %opt) = @_;
    my $answer = request($t->port($port), $method, $path, %opt) // {status => 0, body => ''};

    is($answer->{error}, undef, "$method $path: a whole answer") if $answer->{error};
    return ($answer, eval { decode_json($answer->{body}) } // {});
}

sub chunked
{
    my ($body, $size) = @_;

    return join '', map({ sprintf "%x\r\n%s\r\n", length $_, $_ } unpack "(a$size)*", $body),
        "0\r\n\r\n";
}

# --- what does not depend on the lines ----------------------------------------------------------

for my $port (0, 2) {
    my $where = $port ? 'bare' : 'usual';
    my ($r, $v) = ask($port, 'GET', '/assets/app.js');
    is(length $r->{body}, 2200, "$where: a file of our own");
    is($r->{header}{server} =~ /node/i ? 1 : 0, 0, "$where: it is from here");

    my $text = encode_json({a => [1, 'two', undef], long => 'x' x 20_000});
    for my $how ('with a length', 'chunked', 'in small chunks') {
        my @body = $how eq 'with a length' ? (body => $text, headers => [])
            : (body => chunked($text, $how eq 'chunked' ? 10_000 : 700),
                headers => ['Transfer-Encoding' => 'chunked']);
        push @{$body[3]}, 'Content-Type' => 'application/json';
        ($r, $v) = ask($port, 'POST', '/api/echo', @body);
        is($r->{status}, 201, "$where: a POST $how");
        is_deeply($v, {value => decode_json($text), length => length $text}, "$where: arrives");
    }
    ($r) = ask($port, 'PUT', '/api/echo', body => '{"a":');
    is($r->{status}, 400, "$where: what the application refuses");
    is($r->{body}, '{"error":"no JSON"}', "$where: with its body");
    ($r) = ask($port, 'PATCH', '/api/echo', body => '{}');
    is($r->{header}{'x-method'}, 'PATCH', "$where: other methods pass");
    ($r, $v) = ask($port, 'DELETE', '/api/none');
    is($r->{status}, 204, "$where: an answer without a body");
    ($r, $v) = ask($port, 'GET', '/api/fail');
    is("$r->{status} $v->{error}", '500 on purpose', "$where: an error is the application's own");
    ($r, $v) = ask($port, 'GET', '/no/%7Ewhere?a=b%20c&d');
    is("$r->{status} $v->{url}", '404 /no/%7Ewhere?a=b%20c&d', "$where: the URI is as it came");

    my $file = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. UPLOAD / 4;
    for my $how ('with a length', 'chunked') {
        my @body = $how eq 'chunked'
            ? (body => chunked($file, 65_536), headers => ['Transfer-Encoding' => 'chunked'])
            : (body => $file, headers => []);
        push @{$body[3]}, 'Content-Type' => 'application/octet-stream';
        ($r, $v) = ask($port, 'POST', '/api/upload', @body);
        is_deeply($v, {length => UPLOAD, sha1 => sha1_hex($file),
            type => 'application/octet-stream'}, "$where: an upload of 5 MiB $how");
    }
    ($r) = ask($port, 'POST', '/api/upload', body => 'x' x (21 << 20), timeout => 20);
    is($r->{status}, 413, "$where: one that is too large");

    ($r) = ask($port, 'GET', '/page');
    is($r->{header}{etag} // '', '"v1"', "$where: a page with an ETag");
    ($r) = ask($port, 'GET', '/page', headers => ['If-None-Match' => '"v1"']);
    is($r->{status}, 304, "$where: which has not changed");
    ($r) = ask($port, 'HEAD', '/page');
    is("$r->{status} $r->{body}", '200 ', "$where: HEAD");
    ($r) = ask($port, 'GET', '/parts');
    is($r->{body}, "one\ntwo\nthree\n", "$where: an answer in parts");

    ($r) = ask($port, 'POST', '/login', body => 'user=ann');
    is($r->{header}{location}, '/home', "$where: a redirect");
    is_deeply([map { $_->[1] } grep { lc $_->[0] eq 'set-cookie' } @{$r->{headers}}],
        ['user=ann; Path=/; HttpOnly', 'theme=dark; Expires=Wed, 01 Jan 2031 00:00:00 GMT'],
        "$where: two cookies, one of them with a comma");
    ($r) = ask($port, 'GET', '/home', headers => [Cookie => 'user=ann; theme=dark']);
    is($r->{body}, "cookies user=ann; theme=dark\n", "$where: which come back");

    ($r) = ask($port, 'GET', '/api/list', headers => ['Accept-Encoding' => 'gzip']);
    is($r->{header}{'content-encoding'}, 'gzip', "$where: JSON is compressed");
    gunzip(\$r->{body} => \my $plain);
    is(scalar @{decode_json($plain // '[]')}, 5000, "$where: and whole");
}

# --- what the lines are for ---------------------------------------------------------------------

my ($r, $v) = ask(0, 'GET', '/api/headers', headers => [Host => 'app.example:8443',
    'X-Forwarded-For' => '192.0.2.1', 'X-Own' => 'kept', 'X-Real-IP' => 'forged']);
my %wanted = (host => 'app.example', 'x-real-ip' => '127.0.0.1', 'x-own' => 'kept',
    'x-forwarded-for' => '192.0.2.1, 127.0.0.1', 'x-forwarded-proto' => 'http',
    'x-forwarded-host' => 'app.example:8443');
is($v->{$_}, $wanted{$_}, "usual: $_") for sort keys %wanted;
is($v->{upgrade}, undef, 'usual: no Upgrade where the client has none');

($r, $v) = ask(2, 'GET', '/api/headers', headers => [Host => 'app.example', 'X-Own' => 'kept']);
is($v->{'x-own'}, 'kept', 'bare: a header of the client');
is($v->{upgrade}, undef, 'bare: no Upgrade either');
($r) = ask(2, 'GET', '/mounted/page?x=1');
is($r->{body}, "<p>page</p>\n", 'bare: below a prefix');
($r) = ask(2, 'GET', '/absolute', headers => [Host => 'app.example']);
is($r->{header}{location}, 'http://app.example:' . $t->port(2) . '/page',
    'bare: a redirect to the name of the group is one to here');
($r) = ask(0, 'GET', '/absolute', headers => [Host => 'app.example']);
is($r->{header}{location}, 'http://app.example/page', 'usual: a redirect to itself');

# --- events -------------------------------------------------------------------------------------

sub open_stream
{
    my ($port, @fields) = @_;
    my $conn = Test::Weir::Conn->new($t->port($port));

    $conn->write(join "\r\n", 'GET /events HTTP/1.1', 'Host: app.example',
        'Accept: text/event-stream', @fields, '', '');
    my $head = $conn->read_until(qr/\r\n\r\n/) // 'nothing';
    my $zip = $head =~ /^Content-Encoding: gzip\r$/m
        ? Compress::Raw::Zlib::Inflate->new(-WindowBits => 31) : undef;
    return {conn => $conn, head => $head, zip => $zip, text => ''};
}

# Reads chunks until the text of a stream matches.
sub arrives
{
    my ($stream, $pattern) = @_;

    while ($stream->{text} !~ $pattern) {
        my ($size) = ($stream->{conn}->read_until(qr/\r\n/) // return 0) =~ /^([0-9a-f]+)\r\n\z/
            or return 0;
        my $bytes = substr $stream->{conn}->read_bytes(2 + hex $size), 0, -2;
        if ($stream->{zip}) {
            $stream->{zip}->inflate($bytes, my $plain);
            $bytes = $plain // '';
        }
        $stream->{text} .= $bytes;
    }
    return 1;
}

# An event leaves the application only when the one before has arrived.
sub try_events
{
    my ($port, $where, @fields) = @_;
    my $stream = open_stream($port, @fields);

    like($stream->{head}, qr/^Content-Type: text\/event-stream\r$/m, "$where: a stream of events");
    ok(arrives($stream, qr/^: open\n\n/), "$where: its first line");
    for my $n (1 .. 5) {
        my (undef, $count) = ask(1, 'POST', '/emit', body => "event $n");
        is($count->{streams}, 1, "$where: somebody listens");
        ok(arrives($stream, qr/^id: \d+\ndata: event $n\n\n\z/m), "$where: event $n at once");
    }
    $stream->{conn}->close;
    ok(wait_for { (ask(1, 'POST', '/emit', body => 'x'))[1]{streams} == 0 } 10,
        "$where: the application hears that the client has gone");
}

try_events(0, 'usual');
unless (skipped('other streams of events', differs => 'a stream of events never waits')) {
    try_events(2, 'bare');
    try_events(0, 'usual, gzip', 'Accept-Encoding: gzip');
    try_events(2, 'bare, gzip', 'Accept-Encoding: gzip');
}

# --- WebSockets ---------------------------------------------------------------------------------

sub try_socket
{
    my ($port, $where, $hello) = @_;
    my $ws = Test::Weir::WebSocket->new($t->port($port), '/socket?room=1');
    my $other = Test::Weir::WebSocket->new($t->port($port), '/socket');

    ok($ws->open, "$where: a WebSocket");
    is($_->receive->{payload}, qq({"hello":"$hello"}), "$where: greeted") for $ws, $other;
    for my $size (0, 125, 126, 65_535, 65_536, 1_000_000) {
        $ws->send(binary => 'b' x $size);
        my $frame = $ws->receive;
        is("$frame->{name} " . length $frame->{payload}, "binary $size", "$where: $size bytes");
    }
    $ws->send(text => 'in two', more => 1);
    $ws->send(continuation => ' parts');
    is($ws->receive->{payload}, 'in two parts', "$where: a message in parts");
    $ws->send(ping => 'now');
    is($ws->receive->{name}, 'pong', "$where: a ping");
    $ws->send(text => "all");
    is($_->receive->{payload}, 'to all', "$where: a message to all") for $ws, $other;
    $ws->send(text => 'bye');
    is($ws->receive->{payload}, pack('n', 4001) . 'bye', "$where: the application says goodbye");
    $ws->send(close => pack 'n', 4001);
    ok($ws->conn->eof, "$where: and closes");
    $other->conn->close;
    my $refused = Test::Weir::WebSocket->new($t->port($port), '/page');
    is($refused->response->{status}, 403, "$where: one that is refused");
}

try_socket(0, 'usual', '127.0.0.1');
unless (skipped('bare: WebSockets', differs => 'they need no lines')) {
    try_socket(2, 'bare', 'unknown');
}
wait_for { $t->access_log =~ m{^GET /socket\?room=1 101 101$}m } 5, 'a WebSocket in the log';
like($t->access_log, qr{^GET /socket\?room=1 101 101$}m, 'a WebSocket is logged at its end');

# --- the end of the application -----------------------------------------------------------------

$node->stop;
for my $port (0, 2) {
    my ($gone) = ask($port, 'GET', '/page');
    is($gone->{status}, 502, ($port ? 'bare' : 'usual') . ': nobody there');
    my ($file) = ask($port, 'GET', '/assets/app.js');
    is($file->{status}, 200, ($port ? 'bare' : 'usual') . ': but our files are');
}
like($t->error_log, qr/connect\(\) failed \(111: Connection refused\) while connecting to upstream/,
    'which is logged');
$t->allow_log(qr/no live upstreams/);
$node = node($t, $t->port(1), $application);
wait_for { (ask(2, 'GET', '/mounted/page'))[0]{status} == 200 } 15, 'the application again';
$t->stop('QUIT');

done_testing();
