#!/usr/bin/perl

# Applications behind a proxy as their manuals put them there: for each a configuration in the
# manner of such a manual, and a small program that checks what such an application checks.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json encode_json);
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;
use Test::Weir::Dns;
use Test::Weir::WebSocket qw(echo);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'published');

# --- the configurations -------------------------------------------------------------------------

my $conf = <<'CONF';
worker_processes 1;
error_log logs/error.log info;
events { worker_connections 256; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    log_format safe '$remote_addr $host "$request_method $safe_uri $server_protocol" $status';
    access_log logs/access.log safe;
    sendfile on;
    gzip on;
    # Crumbs have names that begin with a dot.
    ignore_invalid_headers off;

    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    map $http_host $host_or_name { default $http_host; '' $host; }
    map $request_uri $uri_without_private {
        default $request_uri;
        ~(?i)^(?<before>.+[?&]private[\-_]token)=[^&]*(?<behind>.*)$ $before=[FILTERED]$behind;
    }
    map $uri_without_private $safe_uri {
        default $uri_without_private;
        ~(?i)^(?<head>.+[?&]authenticity[\-_]token)=[^&]*(?<tail>.*)$ $head=[FILTERED]$tail;
    }
    map $upstream_http_docker_distribution_api_version $registry_version { '' registry/2.0; }
    map $request_uri $object { ~^/files/([^?]+) $1; }

    upstream grafana { server 127.0.0.1:%%PORT1%%; }
    upstream jenkins { keepalive 32; server 127.0.0.1:%%PORT2%%; }
    upstream workhorse { server unix:%%DIR%%/workhorse.socket fail_timeout=0; }
    upstream registry { server 127.0.0.1:%%PORT5%%; }
    upstream jupyter { server 127.0.0.1:%%PORT6%%; keepalive 8; }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT11%%;
        server_name grafana.example;
        location / {
            proxy_set_header Host $http_host;
            proxy_pass http://grafana;
        }
        location /api/live/ {
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $http_host;
            proxy_pass http://grafana;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT12%%;
        server_name jenkins.example;
        root html/jenkins;
        location ~ "^/static/[0-9a-fA-F]{8}\/(.*)$" {
            rewrite "^/static/[0-9a-fA-F]{8}\/(.*)" /$1 last;
        }
        location /userContent {
            if (!-f $request_filename) {
                rewrite (.*) /dynamic$1 last;
                break;
            }
            sendfile on;
        }
        location / {
            sendfile off;
            proxy_pass http://jenkins;
            proxy_redirect default;
            proxy_http_version 1.1;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_max_temp_file_size 0;
            client_max_body_size 10m;
            client_body_buffer_size 128k;
            proxy_connect_timeout 90;
            proxy_send_timeout 90;
            proxy_read_timeout 90;
            proxy_request_buffering off;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT13%%;
        server_name home.example;
        proxy_buffering off;
        location / {
            proxy_pass http://127.0.0.1:%%PORT3%%;
            proxy_set_header Host $host;
            proxy_redirect http:// https://;
            proxy_http_version 1.1;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT14%%;
        server_name git.example;
        client_max_body_size 0;
        error_page 404 /404.html;
        error_page 502 /502.html;
        location ~ ^/(?:404|502)(?:-custom)?\.html$ { root html/git; internal; }
        location / {
            gzip off;
            proxy_read_timeout 3600;
            proxy_connect_timeout 300;
            proxy_redirect off;
            proxy_http_version 1.1;
            proxy_set_header Host $host_or_name;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-Ssl on;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://workhorse;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name cloud.example;
        server_tokens off;
        client_max_body_size 512m;
        client_body_timeout 300s;
        add_header Referrer-Policy no-referrer always;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options SAMEORIGIN always;
        proxy_hide_header X-Powered-By;
        location = /robots.txt { allow all; return 200 "User-agent: *\nDisallow: /\n"; }
        location ^~ /.well-known {
            location = /.well-known/carddav { return 301 /remote.php/dav/; }
            location = /.well-known/caldav { return 301 /remote.php/dav/; }
            location /.well-known/acme-challenge { try_files $uri $uri/ =404; }
            return 301 /index.php$request_uri;
        }
        location ~ ^/(?:build|tests|config|lib|3rdparty|templates|data)(?:$|/) { return 404; }
        location ~ ^/(?:\.|autotest|occ|issue|indie|db_|console) { return 404; }
        location / {
            proxy_pass http://127.0.0.1:%%PORT4%%;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_request_buffering off;
            proxy_http_version 1.1;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name registry.example;
        client_max_body_size 0;
        chunked_transfer_encoding on;
        location /v2/ {
            if ($http_user_agent ~ "^(docker\/1\.(3|4|5(?!\.[0-9]-dev))|Go ).*$" ) { return 404; }
            auth_basic "Registry realm";
            auth_basic_user_file users;
            add_header Docker-Distribution-Api-Version $registry_version always;
            proxy_pass http://registry;
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_read_timeout 900;
        }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT15%%;
        server_name notebook.example;
        location / {
            proxy_pass http://jupyter;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Scheme $scheme;
            proxy_buffering off;
        }
        location ~ /\.well-known { allow all; root html; }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name media.example;
        resolver 127.0.0.1:%%PORT20%% valid=30s ipv6=off;
        set $bucket media;
        location /files/ {
            limit_except GET { deny all; }
            set $storage storage.test:%%PORT7%%;
            proxy_http_version 1.1;
            proxy_set_header Host $bucket.storage.test;
            proxy_set_header Authorization "";
            proxy_set_header Cookie "";
            proxy_hide_header x-amz-id-2;
            proxy_hide_header x-amz-request-id;
            proxy_hide_header Set-Cookie;
            proxy_ignore_headers Set-Cookie;
            proxy_intercept_errors on;
            error_page 403 404 =404 /missing.html;
            add_header Cache-Control max-age=31536000;
            proxy_pass http://$storage/$object$is_args$args;
        }
        location = /missing.html { internal; root html/media; }
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name old.example;
        location / { return 404; }
        location = /app { return 301 /app/; }
        location /app/ {
            proxy_pass http://127.0.0.1:%%PORT8%%/;
            proxy_set_header Host old.internal;
            proxy_set_header X-Forwarded-Prefix /app;
            proxy_set_header Accept-Encoding "";
            proxy_redirect http://old.internal/ /app/;
            proxy_redirect ~^(/.*) /app$1;
            proxy_cookie_domain old.internal $host;
            proxy_cookie_path ~^/(.*)$ /app/$1;
            proxy_cookie_flags session httponly samesite=lax;
            sub_filter 'href="/' 'href="/app/';
            sub_filter 'http://old.internal/' 'http://$host/app/';
            sub_filter_once off;
        }
    }
}
CONF

# --- the applications ---------------------------------------------------------------------------

sub json
{
    my ($value, $status, @headers) = @_;

    return answer($status // 200, JSON::PP->new->canonical->encode($value),
        'Content-Type' => 'application/json', @headers);
}

# The steps of a WebSocket that sends everything back, with more fields and first frames.
sub socket_steps
{
    my ($r, $fields, @first) = @_;
    my (undef, $handshake, $stream) = @{echo()};
    my $answer = $handshake->($r);

    $answer =~ s/\r\n\r\n\z/\r\n$fields\r\n/ unless ref $answer;
    return [$answer, @first, $stream];
}

# An answer to HEAD has the length of one to GET.
sub without_body
{
    my ($r, $answer) = @_;

    return $r->{method} eq 'HEAD' ? $answer =~ s/\r\n\r\n.*/\r\n\r\n/sr : $answer;
}

sub is_socket { return lc($_[0]{header}{upgrade} // '') eq 'websocket' }

# Whoever logs in or opens live data must come from a page of this host.
sub grafana
{
    my ($r) = @_;
    my $h = $r->{header};

    return json({message => 'origin not allowed'}, 403)
        if defined $h->{origin} && $h->{origin} ne "http://$h->{host}";
    return socket_steps($r, '') if $r->{uri} =~ m{^/api/live/} && is_socket($r);
    return json({message => 'Logged in'}, 200, 'Set-Cookie' => 'grafana_session=1; Path=/')
        if $r->{line} =~ m{^POST /login };
    return answer(302, '', Location => '/login') if $r->{uri} =~ m{^/d/};
    return json({message => 'Not found'}, 404);
}

# Says whether its proxy is set up well, as its own page of administration does.
sub jenkins
{
    my ($r) = @_;
    my $h = $r->{header};
    my $root = "$h->{'x-forwarded-proto'}://$h->{host}";

    return answer(302, '', Location => "$root/manage/", 'X-Jenkins' => '2.426')
        if $r->{uri} eq '/manage';
    return answer(302, '', Location => 'http://jenkins/login?from=%2Fjob') if $r->{uri} eq '/job';
    return json({crumb => $h->{'.crumb'}, build => $h->{build_id},
        for => $h->{'x-forwarded-for'}}) if $r->{uri} eq '/crumb';
    return socket_steps($r, '') if $r->{uri} eq '/wsagents/' && is_socket($r);
    return json({length => length $r->{body}, md5 => md5_hex($r->{body}),
        coded => $h->{'transfer-encoding'}}) if $r->{method} =~ /^P/;
    return answer(200, "dynamic $r->{uri}");
}

# Refuses forwarded requests that it cannot tell the origin of; speaks first on its WebSocket; has a
# camera.
sub home
{
    my ($r) = @_;
    my $h = $r->{header};

    return answer(400, '400: Bad Request')
        unless ($h->{'x-forwarded-for'} // '') =~ /^127\.0\.0\.1$/;
    return socket_steps($r, '',
        Test::Weir::WebSocket::frame('text', '{"type":"auth_required"}'))
        if $r->{uri} eq '/api/websocket' && is_socket($r);
    return answer(302, '', Location => "http://$h->{host}/auth/authorize") if $r->{uri} eq '/';
    return ["HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
        map({ (\'go', "--frame\r\n\r\npicture $_\r\n") } 1 .. 3), \'go', \'close']
        if $r->{uri} =~ /camera/;
    return json({message => 'API running.'});
}

sub workhorse
{
    my ($r) = @_;
    my $h = $r->{header};

    return json({map { $_ => $h->{$_} } qw(host x-forwarded-proto x-forwarded-ssl x-real-ip)})
        if $r->{uri} =~ m{^/api/v4/version};
    return answer(200, "md5 " . md5_hex($r->{body}) . " $h->{'content-encoding'}",
        'Content-Type' => 'application/x-git-receive-pack-result')
        if $r->{uri} =~ /git-receive-pack$/;
    return socket_steps($r, '') if $r->{uri} eq '/-/cable' && is_socket($r);
    return answer(302, '', Location => "https://$h->{host}/users/sign_in") if $r->{uri} eq '/';
    return answer(404, 'own page of errors', 'Content-Type' => 'text/html');
}

sub cloud
{
    my ($r) = @_;
    my $h = $r->{header};

    return answer(207, "<d:multistatus depth=\"$h->{depth}\"/>", 'Content-Type' =>
        'application/xml; charset=utf-8', DAV => '1, 3', 'X-Powered-By' => 'PHP/8.2')
        if $r->{method} eq 'PROPFIND' && $r->{body} =~ /propfind/;
    return answer(201, '', 'OC-ETag' => '"' . md5_hex($r->{body}) . '"') if $r->{method} eq 'PUT';
    return answer(201, '', 'X-Moved-To' => $h->{destination}) if $r->{method} eq 'MOVE';
    return answer(204, '') if $r->{method} =~ /^(?:MKCOL|DELETE)$/;
    return json({uri => $r->{uri}, method => $r->{method}});
}

# The state of uploads is that of the process.
sub registry
{
    my %blobs;
    my $upload = '';

    return sub {
        my ($r) = @_;
        my $h = $r->{header};
        my $base = "$h->{'x-forwarded-proto'}://$h->{host}/v2/app/blobs";

        return json({}, 200, 'Docker-Distribution-Api-Version' => 'registry/2.0')
            if $r->{uri} eq '/v2/';
        return answer(202, '', Location => "$base/uploads/1?_state=a%3D%3D", Range => '0-0')
            if $r->{method} eq 'POST';
        if ($r->{method} eq 'PATCH') {
            my $from = length $upload;
            return answer(416, '', Range => "0-$from")
                unless ($h->{'content-range'} // "$from-") =~ /^$from-/;
            $upload .= $r->{body};
            return answer(202, '', Location => "$base/uploads/1?_state=b%3D%3D",
                Range => '0-' . (length($upload) - 1));
        }
        if ($r->{method} eq 'PUT') {
            my $digest = 'sha256:' . sha256_hex($upload . $r->{body});
            my ($said) = $r->{uri} =~ /[?&]digest=([^&]*)/;
            $said =~ s/%3A/:/i;
            return json({errors => [{code => 'DIGEST_INVALID'}]}, 400) if $said ne $digest;
            $blobs{$digest} = $upload . $r->{body};
            $upload = '';
            return answer(201, '', Location => "$base/$digest", 'Docker-Content-Digest' => $digest);
        }
        my ($digest) = $r->{uri} =~ m{/(sha256:\w+)$};
        my $blob = $blobs{$digest // ''}
            // return json({errors => [{code => 'BLOB_UNKNOWN'}]}, 404);
        return without_body($r, answer(200, $blob, 'Docker-Content-Digest' => $digest));
    };
}

# Kernels talk on a WebSocket with a protocol of its own, to pages of the same host.
sub notebook
{
    my ($r) = @_;
    my $h = $r->{header};

    if (is_socket($r)) {
        return answer(403, 'blocked cross-origin request')
            if ($h->{origin} // '') !~ m{^http://\Q$h->{host}\E$};
        my ($protocol) = split /, */, $h->{'sec-websocket-protocol'} // '';
        return socket_steps($r, $protocol ? "Sec-WebSocket-Protocol: $protocol\r\n" : '');
    }
    return json({message => "'_xsrf' argument missing"}, 403)
        if $r->{method} eq 'POST' && ($h->{cookie} // '') !~ /_xsrf=(\w+)/;
    return ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n",
        map({ (\'go', sprintf "%x\r\nline $_\n\r\n", length "line $_\n") } 1 .. 3),
        \'go', "0\r\n\r\n"] if $r->{uri} =~ /logs/;
    return json({uri => $r->{uri}, scheme => $h->{'x-scheme'}});
}

# Objects of one bucket; who has a key may not see what is of nobody.
sub storage
{
    my ($r) = @_;
    my $h = $r->{header};
    my @ids = ('x-amz-request-id' => 'ABC', 'x-amz-id-2' => 'secret', 'Set-Cookie' => 'lb=1');
    my $content = 'object ' x 100;

    return answer(400, '<Code>InvalidHost</Code>', @ids) if $h->{host} ne 'media.storage.test';
    return answer(400, '<Code>InvalidArgument</Code>', @ids)
        if defined $h->{authorization} || defined $h->{cookie};
    return answer(403, '<Code>AccessDenied</Code>', @ids) if $r->{uri} =~ m{^/private};
    return answer(404, '<Code>NoSuchKey</Code>', @ids)
        unless $r->{uri} =~ m{^/(?:photos/a%20b%2Bc\.jpg|plain)(?:\?|$)};
    return "HTTP/1.1 304 Not Modified\r\nETag: \"o1\"\r\n\r\n"
        if ($h->{'if-none-match'} // '') eq '"o1"';
    my @fields = (ETag => '"o1"', 'x-amz-meta-uri' => $r->{uri}, 'Content-Type' => 'image/jpeg',
        'Accept-Ranges' => 'bytes', @ids);
    return answer(206, substr($content, $1, $2 - $1 + 1), @fields,
        'Content-Range' => "bytes $1-$2/700") if ($h->{range} // '') =~ /^bytes=(\d+)-(\d+)$/;
    return without_body($r, answer(200, $content, @fields));
}

# Knows nothing of prefixes.
sub old
{
    my ($r) = @_;
    my $h = $r->{header};

    return answer(302, '', Location => '/home', 'Set-Cookie' => 'session=s1; Path=/',
        'Set-Cookie' => 'lang=de; Domain=old.internal; Path=/settings') if $r->{uri} eq '/login';
    return answer(302, '', Location => 'http://old.internal/login?next=/home')
        if $r->{uri} eq '/home' && ($h->{cookie} // '') !~ /\bsession=s1\b/;
    return answer(200, qq(<a href="/home">h</a> <a href="/login">l</a> )
        . qq(<a href="http://old.internal/x">x</a>\n), 'Content-Type' => 'text/html')
        if $r->{uri} eq '/home';
    return answer(200, "$r->{uri} $h->{'x-forwarded-prefix'}\n", 'Content-Type' => 'text/plain');
}

my %apps = (
    grafana => [1, \&grafana], jenkins => [2, \&jenkins], home => [3, \&home],
    cloud => [4, \&cloud], registry => [5, registry()], notebook => [6, \&notebook],
    media => [7, \&storage], old => [8, \&old], git => ['workhorse.socket', \&workhorse],
);

# --- asking -------------------------------------------------------------------------------------

my %backends;

sub where
{
    my ($name) = @_;
    my $place = $apps{$name}[0];

    return $place =~ /^\d+$/ ? $t->port($place) : $t->dir . "/$place";
}

# A request to a site: the answer, and what its JSON says.
sub ask
{
    my ($site, $method, $path, %opt) = @_;
    my @headers = @{$opt{headers} // []};
    my %has = map { lc $headers[2 * $_] => 1 } 0 .. @headers / 2 - 1;

    unshift @headers, Host => "$site.example" unless $has{host};
    my $r = request($t->port, $method, $path, %opt, headers => \@headers)
        // {status => 0, body => '', header => {}, headers => []};
    is($r->{error}, undef, "$site: $method $path: a whole answer") if $r->{error};
    return ($r, eval { decode_json($r->{body}) } // {});
}

# What the application of a site was asked last.
sub asked { return ($backends{$_[0]}->requests)[-1] // {header => {}, uri => '', body => ''} }

sub cookies { return map { $_->[1] } grep { lc $_->[0] eq 'set-cookie' } @{$_[0]{headers}} }

sub chunked
{
    my ($body, $size) = @_;

    return join '', map({ sprintf "%x\r\n%s\r\n", length $_, $_ } unpack "(a$size)*", $body),
        "0\r\n\r\n";
}

# Sites with WebSockets have a port of their own, where the name of the host does not matter.
my %ports = (grafana => 11, jenkins => 12, home => 13, git => 14, notebook => 15);

sub socket_to
{
    my ($site, $path, @headers) = @_;

    return Test::Weir::WebSocket->new($t->port($ports{$site}), $path, headers => \@headers);
}

# A word there and back.
sub says
{
    my ($ws, $word) = @_;

    $ws->send(text => $word);
    return ($ws->receive // {payload => 'nothing'})->{payload};
}

# A connection with a request on it.
sub open_stream
{
    my ($site, $path) = @_;
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write("GET $path HTTP/1.1\r\nHost: $site.example\r\n\r\n");
    return $conn;
}

$t->write_file('conf/users', "builder:{PLAIN}secret\n");
$t->write_file('html/jenkins/userContent/readme.txt', "from the disk\n");
$t->write_file('html/jenkins/scripts/a.js', "script\n");
$t->write_file('html/git/404.html', "not here\n");
$t->write_file('html/git/502.html', "back soon\n");
$t->write_file('html/media/missing.html', "no picture\n");
$t->write_file('html/.well-known/token', "token\n");
$t->write_conf($conf);
my $dns = Test::Weir::Dns->new($t->port(20));
$dns->set('storage.test', [A => '127.0.0.1', 30]);
$backends{$_} = Test::Weir::Backend->new(where($_), $apps{$_}[1]) for sort keys %apps;
$t->start;
my $large = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 3 << 18;

# --- dashboards ---------------------------------------------------------------------------------

my ($r, $v) = ask('grafana', 'POST', '/login', body => '{}',
    headers => [Host => 'grafana.example:3000', Origin => 'http://grafana.example:3000']);
is($v->{message}, 'Logged in', 'grafana: a page of this host may log in');
is(($r->{header}{'set-cookie'}), 'grafana_session=1; Path=/', 'grafana: and has its cookie');
($r) = ask('grafana', 'POST', '/login', headers => [Origin => 'http://evil.example'], body => '');
is($r->{status}, 403, 'grafana: another may not');
($r) = ask('grafana', 'GET', '/d/abc/board?orgId=1&var-x=a%2Fb');
is($r->{header}{location}, '/login', 'grafana: a path stays one');
is(asked('grafana')->{uri}, '/d/abc/board?orgId=1&var-x=a%2Fb', 'grafana: the URI is as it came');
my $ws = socket_to('grafana', '/api/live/ws', Origin => 'http://localhost');
ok($ws->open, 'grafana: live data');
is(says($ws, '{"id":1,"connect":{}}'), '{"id":1,"connect":{}}', 'grafana: come and go');
$ws->conn->close;
is(socket_to('grafana', '/api/live/ws', Origin => 'http://evil.example')->response->{status}, 403,
    'grafana: not for another origin');

# --- builds -------------------------------------------------------------------------------------

($r) = ask('jenkins', 'GET', '/manage', headers => [Host => 'jenkins.example:8443']);
is($r->{header}{location}, 'http://jenkins.example:8443/manage/', 'jenkins: the test of the proxy');
($r) = ask('jenkins', 'GET', '/job');
is($r->{header}{location}, 'http://jenkins.example:' . $t->port . '/login?from=%2Fjob',
    'jenkins: an address of the group is one of here');
($r, $v) = ask('jenkins', 'GET', '/crumb', headers => ['.crumb' => 'c1', 'Build_Id' => '7',
    'X-Forwarded-For' => '192.0.2.9']);
is($v->{crumb}, 'c1', 'jenkins: a crumb');
is($v->{build}, 7, 'jenkins: and a name with an underscore');
is($v->{for}, '192.0.2.9, 127.0.0.1', 'jenkins: who it is for');
($r) = ask('jenkins', 'GET', '/static/0123abcd/scripts/a.js');
is($r->{body}, 'dynamic /scripts/a.js', 'jenkins: static files have a version');
($r) = ask('jenkins', 'GET', '/userContent/readme.txt');
is($r->{body}, "from the disk\n", 'jenkins: a file');
($r) = ask('jenkins', 'GET', '/userContent/none.txt');
is($r->{body}, 'dynamic /dynamic/userContent/none.txt', 'jenkins: which is not there');
for my $how ('with a length', 'chunked') {
    my @body = $how eq 'chunked' ? (body => chunked($large, 50_000),
        headers => ['Transfer-Encoding' => 'chunked']) : (body => $large);
    ($r, $v) = ask('jenkins', 'POST', '/pluginManager/upload', @body);
    is($v->{length}, length $large, "jenkins: an upload $how");
    is($v->{md5}, md5_hex($large), "jenkins: an upload $how is what it was");
}
($r) = ask('jenkins', 'POST', '/x', body => 'x', headers => ['Content-Length' => 11 << 20]);
is($r->{status}, 413, 'jenkins: too large');
$ws = socket_to('jenkins', '/wsagents/', 'Secret-Key' => 'k');
is(says($ws, 'agent'), 'agent', 'jenkins: an agent');
$ws->conn->close;

# What is uploaded arrives while it is uploaded.
my $conn = Test::Weir::Conn->new($t->port);
$conn->write("PUT /slow HTTP/1.1\r\nHost: jenkins.example\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "5\r\nfirst\r\n");
ok((wait_for { scalar grep { $_->{bytes} =~ /first/ } $backends{jenkins}->connections } 10,
    'the first bytes'), 'jenkins: the first bytes come before the last');
$conn->write("4\r\nlast\r\n0\r\n\r\n");
is(decode_json($conn->read_response->{body})->{length}, 9, 'jenkins: which come, too');
$conn->close;

# --- a home -------------------------------------------------------------------------------------

($r) = ask('home', 'GET', '/', headers => ['X-Forwarded-For' => '192.0.2.66, 10.0.0.1']);
is($r->{header}{location}, 'https://home.example/auth/authorize', 'home: redirects are to https');
is(asked('home')->{header}{'x-forwarded-for'}, '127.0.0.1', 'home: what we know of the client');
($r, $v) = ask('home', 'GET', '/api/');
is($v->{message}, 'API running.', 'home: the API');
$ws = socket_to('home', '/api/websocket');
is($ws->receive->{payload}, '{"type":"auth_required"}', 'home: the application speaks first');
is(says($ws, '{"type":"auth"}'), '{"type":"auth"}', 'home: and is answered');
$ws->send(ping => '');
is($ws->receive->{name}, 'pong', 'home: a ping');
$ws->conn->close;
$conn = open_stream('home', '/api/camera_proxy_stream/door');
for my $n (1 .. 3) {
    $backends{home}->go;
    ok($conn->read_until(qr/picture $n\r\n/), "home: picture $n of a camera, at once");
}
$backends{home}->go;
ok($conn->read_until(qr/\r\n0\r\n\r\n\z/), 'home: and the end of it');
$conn->close;

# --- sources ------------------------------------------------------------------------------------

($r, $v) = ask('git', 'GET', '/api/v4/version?private_token=secret-1&x=1');
is_deeply($v, {host => 'git.example', 'x-forwarded-proto' => 'https', 'x-forwarded-ssl' => 'on',
    'x-real-ip' => '127.0.0.1'}, 'git: what is said of the client');
($r) = ask('git', 'GET', '/');
is($r->{header}{location}, 'https://git.example/users/sign_in', 'git: addresses stay as they are');
($r) = ask('git', 'POST', '/g/p.git/git-receive-pack', body => chunked($large, 65_536), headers =>
    ['Transfer-Encoding' => 'chunked', 'Content-Encoding' => 'gzip',
    'Content-Type' => 'application/x-git-receive-pack-request']);
is($r->{body}, 'md5 ' . md5_hex($large) . ' gzip', 'git: a push');
($r) = ask('git', 'GET', '/none?private-token=secret-2');
is("$r->{status} $r->{body}", '404 own page of errors', 'git: its own pages of errors');
($r) = ask('git', 'GET', '/404.html');
is("$r->{status} $r->{body}", "404 not here\n", 'git: ours are not to be asked for');
$ws = socket_to('git', '/-/cable');
is(says($ws, 'subscribe'), 'subscribe', 'git: notes in real time');
$ws->conn->close;
ask('git', 'POST', '/users/sign_in?authenticity_token=secret-3', body => 'a=1');
delete $backends{git};
$t->allow_log(qr/workhorse\.socket failed \(2: No such file/);
($r) = ask('git', 'GET', '/g/p?a=1&Private_Token=secret-4&b=2');
is("$r->{status} $r->{body}", "502 back soon\n", 'git: while it is away');
wait_for { $t->access_log =~ /\[FILTERED\]&b=2/ } 5, 'the log';
like($t->access_log, qr{"GET /api/v4/version\?private_token=\[FILTERED\]&x=1 HTTP/1\.1" 200$}m,
    'git: the log has no tokens');
unlike($t->access_log, qr/secret-/, 'git: of any kind');
$backends{git} = Test::Weir::Backend->new(where('git'), $apps{git}[1]);
is((ask('git', 'GET', '/api/v4/version'))[0]{status}, 200, 'git: it is back at once');

# --- a cloud ------------------------------------------------------------------------------------

($r) = ask('cloud', 'PROPFIND', '/remote.php/dav/files/ann/', body => '<d:propfind/>',
    headers => [Depth => 1]);
is("$r->{status} $r->{body}", '207 <d:multistatus depth="1"/>', 'cloud: PROPFIND');
is($r->{header}{'x-powered-by'}, undef, 'cloud: not what it runs on');
is($r->{header}{dav}, '1, 3', 'cloud: but what it can');
is(scalar(grep { defined $r->{header}{$_} } qw(referrer-policy x-content-type-options
    x-frame-options)), 3, 'cloud: with what browsers are told');
($r) = ask('cloud', 'PUT', '/remote.php/dav/files/ann/a%20b%23c.bin', body => $large);
is($r->{header}{'oc-etag'}, '"' . md5_hex($large) . '"', 'cloud: PUT');
is(asked('cloud')->{uri}, '/remote.php/dav/files/ann/a%20b%23c.bin', 'cloud: as it is called');
($r) = ask('cloud', 'MOVE', '/remote.php/dav/files/ann/a', headers =>
    [Destination => 'http://cloud.example/remote.php/dav/files/ann/b%20c', Overwrite => 'F']);
is($r->{header}{'x-moved-to'}, 'http://cloud.example/remote.php/dav/files/ann/b%20c',
    'cloud: MOVE');
is((ask('cloud', $_, '/remote.php/dav/x'))[0]{status}, 204, "cloud: $_") for qw(MKCOL DELETE);
is((ask('cloud', $_, '/data/ann'))[0]{status}, 404, "cloud: $_ of what is inside")
    for qw(GET PROPFIND);
is((ask('cloud', 'GET', "/.well-known/$_->[0]"))[0]{header}{location},
    'http://cloud.example:' . $t->port . $_->[1], "cloud: $_->[0]")
    for ['carddav', '/remote.php/dav/'], ['nodeinfo?a=b', '/index.php/.well-known/nodeinfo?a=b'];
is((ask('cloud', 'GET', '/.well-known/acme-challenge/none'))[0]{status}, 404, 'cloud: a challenge');

# --- images -------------------------------------------------------------------------------------

my @builder = (Authorization => 'Basic YnVpbGRlcjpzZWNyZXQ=');
($r) = ask('registry', 'GET', '/v2/');
is($r->{status}, 401, 'registry: who?');
is($r->{header}{'www-authenticate'}, 'Basic realm="Registry realm"', 'registry: with a password');
is($r->{header}{'docker-distribution-api-version'}, 'registry/2.0', 'registry: in which version');
($r) = ask('registry', 'GET', '/v2/', headers => \@builder);
is($r->{status}, 200, 'registry: with it');
is($r->{header}{'docker-distribution-api-version'}, 'registry/2.0', 'registry: the version once');
($r) = ask('registry', 'GET', '/v2/', headers => [@builder, 'User-Agent' => 'docker/1.4.1']);
is($r->{status}, 404, 'registry: old clients');

# A layer comes in two parts without lengths, and goes by its digest.
sub at
{
    my ($location) = @_;

    like($location, qr{^http://registry\.example/v2/}, 'registry: an address from outside');
    return $location =~ s{^http://registry\.example}{}r;
}
($r) = ask('registry', 'POST', '/v2/app/blobs/uploads/', headers => \@builder, body => '');
my $next = at($r->{header}{location});
for my $part (substr($large, 0, 2 << 20), substr $large, 2 << 20) {
    ($r) = ask('registry', 'PATCH', $next, body => chunked($part, 100_000),
        headers => [@builder, 'Transfer-Encoding' => 'chunked']);
    is($r->{status}, 202, 'registry: a part');
    is(asked('registry')->{header}{'content-length'} // 'chunked', length $part,
        'registry: which has a length now');
    $next = at($r->{header}{location});
}
is($r->{header}{range}, '0-' . (length($large) - 1), 'registry: all of it');
my $digest = sha256_hex($large);
($r) = ask('registry', 'PUT', "$next&digest=sha256%3A$digest", headers => \@builder, body => '');
is($r->{status}, 201, 'registry: a layer is there');
my $blob = at($r->{header}{location});
($r) = ask('registry', 'HEAD', $blob, headers => \@builder);
is("$r->{status} $r->{header}{'content-length'}", '200 ' . length $large, 'registry: HEAD');
($r) = ask('registry', 'GET', $blob, headers => \@builder);
is(sha256_hex($r->{body}), $digest, 'registry: a pull');
is((ask('registry', 'GET', "${blob}0", headers => \@builder))[0]{status}, 404, 'registry: of none');

# --- notebooks ----------------------------------------------------------------------------------

my $kernel = '/api/kernels/6f1a-00/channels?session_id=1';
$ws = socket_to('notebook', $kernel, Origin => 'http://localhost',
    'Sec-WebSocket-Protocol' => 'v1.kernel.websocket.jupyter.org, v0');
is($ws->response->{header}{'sec-websocket-protocol'}, 'v1.kernel.websocket.jupyter.org',
    'notebook: a protocol is agreed on');
is(asked('notebook')->{uri}, $kernel, 'notebook: with a kernel');
$ws->send(binary => "\x00\x01" x 200_000);
is(length(($ws->receive // {payload => ''})->{payload}), 400_000, 'notebook: a large message');
$ws->conn->close;
is(socket_to('notebook', $kernel, Origin => 'http://evil.example')->response->{status}, 403,
    'notebook: not from elsewhere');
is((ask('notebook', 'POST', '/api/contents', body => '{}'))[0]{status}, 403,
    'notebook: a form without its cookie');
($r, $v) = ask('notebook', 'POST', '/api/contents', body => '{}', headers => [Cookie => '_xsrf=1']);
is($v->{scheme}, 'http', 'notebook: one with it');
is((ask('notebook', 'GET', '/.well-known/token'))[0]{body}, "token\n", 'notebook: a file');
$conn = open_stream('notebook', '/logs');
for my $n (1 .. 3) {
    $backends{notebook}->go;
    ok($conn->read_until(qr/line $n\n/), "notebook: line $n at once");
}
$backends{notebook}->go;
ok($conn->read_until(qr/\r\n0\r\n\r\n\z/), 'notebook: and the end');
$conn->close;

# --- objects ------------------------------------------------------------------------------------

($r) = ask('media', 'GET', '/files/photos/a%20b%2Bc.jpg?v=2',
    headers => [Cookie => 'a=1', @builder]);
is($r->{status}, 200, 'media: an object');
is($r->{header}{'x-amz-meta-uri'}, '/photos/a%20b%2Bc.jpg?v=2', 'media: with its own name');
is($r->{header}{'cache-control'}, 'max-age=31536000', 'media: to be kept');
is(scalar(grep { defined $r->{header}{$_} } qw(x-amz-id-2 x-amz-request-id set-cookie)), 0,
    'media: nothing of its storage');
($r) = ask('media', 'GET', '/files/plain', headers => [Range => 'bytes=7-12']);
is("$r->{status} $r->{body} $r->{header}{'content-range'}", '206 object bytes 7-12/700',
    'media: a part');
is((ask('media', 'GET', '/files/plain', headers => ['If-None-Match' => '"o1"']))[0]{status}, 304,
    'media: not changed');
($r) = ask('media', 'HEAD', '/files/plain');
is("$r->{status} $r->{body}", '200 ', 'media: HEAD');
for my $path ('/files/none', '/files/private/x') {
    ($r) = ask('media', 'GET', $path);
    is("$r->{status} $r->{body}", "404 no picture\n", "media: $path");
}
my $before = $backends{media}->requests;
is((ask('media', $_, '/files/plain', body => 'x'))[0]{status}, 404, "media: $_")
    for qw(PUT DELETE);
is(scalar($backends{media}->requests), $before, 'media: which nobody hears of');
is_deeply([$dns->queries], ['udp A storage.test'], 'media: the name was asked for once');

# --- below a prefix -----------------------------------------------------------------------------

($r) = ask('old', 'GET', '/app');
is($r->{header}{location}, 'http://old.example:' . $t->port . '/app/', 'old: the prefix');
($r) = ask('old', 'GET', '/app/home');
is($r->{header}{location}, 'http://old.example:' . $t->port . '/app/login?next=/home',
    'old: an address of its own');
($r) = ask('old', 'GET', '/app/login');
is($r->{header}{location}, 'http://old.example:' . $t->port . '/app/home', 'old: a path');
is_deeply([cookies($r)], ['session=s1; Path=/app/; HttpOnly; SameSite=Lax',
    'lang=de; Domain=old.example; Path=/app/settings'], 'old: cookies');
($r) = ask('old', 'GET', '/app/home', headers => [Cookie => 'session=s1; lang=de']);
is($r->{body}, '<a href="/app/home">h</a> <a href="/app/login">l</a> '
    . qq(<a href="http://old.example/app/x">x</a>\n), 'old: links');
($r) = ask('old', 'GET', '/app/deep/path/?q=/app/');
is($r->{body}, "/deep/path/?q=/app/ /app\n", 'old: the prefix is taken off once');
is((ask('old', 'GET', '/other'))[0]{status}, 404, 'old: nothing else is there');

$t->stop('QUIT');

done_testing();
