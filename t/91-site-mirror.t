# A download mirror: listings for people and programs, large files in parts, a rate for each
# connection, pictures that other sites may not show, checksums beside the files.
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Test::Weir;

our $configuration = <<'CONF';
worker_processes 1;
events { worker_connections 256; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    log_format transfer '$remote_addr "$request" $status $body_bytes_sent "$http_range"';
    access_log logs/transfer.log transfer;
    sendfile on;
    tcp_nopush on;
    aio threads;
    directio 4m;
    keepalive_timeout 15s;
    reset_timedout_connection on;
    limit_conn_zone $binary_remote_addr zone=clients:1m;

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name mirror.example.org ~^ftp\d?\.example\.org$;
        root html/pub;
        max_ranges 4;
        disable_symlinks if_not_owner from=$document_root;

        location / {
            autoindex on;
            autoindex_exact_size on;
            autoindex_localtime off;
            add_before_body /_layout/header.html;
            add_after_body /_layout/footer.html;
        }
        location /api/list/ {
            alias html/pub/;
            autoindex on;
            autoindex_format json;
        }
        location /_layout/ { internal; alias html/layout/; }
        location /releases/ {
            limit_conn clients 8;
            limit_rate_after 64k;
            limit_rate 512k;
            location ~ \.(?:sha256|asc|sig)$ {
                default_type text/plain;
                types { }
                limit_rate 0;
                add_header Cache-Control "no-cache";
            }
            location ~* \.(iso|tar\.(gz|xz|zst))$ {
                add_header X-Checksum-At "$uri.sha256";
                expires 1y;
            }
        }
        location ~* ^/screenshots/.*\.(?:png|jpe?g|gif|webp)$ {
            valid_referers none blocked server_names *.example.net ~\.friends\.;
            if ($invalid_referer) { return 403; }
            expires 7d;
        }
        location /incoming/ { deny all; }
        location = /latest { return 302 /releases/2.1/tool-2.1.tar.gz; }
        location ~ ^/releases/current/(?<file>.+)$ { try_files /releases/2.1/$file =404; }
    }
}
CONF

sub write_site
{
    my ($t) = @_;

    $t->write_file("html/pub/$_->[0]", $_->[1], mtime => 1_700_000_000, raw => 1) for
        ['releases/2.1/tool-2.1.tar.gz.sha256', "0000  tool-2.1.tar.gz\n"],
        ['releases/2.1/NOTES.txt', "what is new\n"], ['screenshots/a.png', "picture\n"],
        ['incoming/new.txt', "not yet\n"], ['list/README', "read me\n"],
        ['list/big & small.txt', 'x' x 2048], ['list/sub/a.txt', "a\n"], ['list/.hidden', "no\n"];
    $t->write_file('html/layout/header.html', "<h2>mirror</h2>\n");
    $t->write_file('html/layout/footer.html', "<p>be kind</p>\n");
}

# --- large files --------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'mirror');
    my $content = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 1_500_000;
    my ($size, $path) = (length $content, '/releases/2.1/tool-2.1.iso');

    write_site($t);
    # Large enough for direct reads; the other one is sent with sendfile, and ends within the
    # first bytes that have no rate.
    $t->write_file("html/pub$path", $content, raw => 1);
    $t->write_file('html/pub/releases/2.1/tool-2.1.tar.gz', substr($content, 0, 60_000), raw => 1);
    $t->write_conf($configuration =~ s/limit_rate 512k/limit_rate 0/r);
    $t->start;

    my $whole = get($t->port, $path, Host => 'mirror.example.org');
    is($whole->{header}{'content-length'}, $size, 'large: length');
    is(md5_hex($whole->{body}), md5_hex($content), 'large: content');
    is($whole->{header}{'accept-ranges'}, 'bytes', 'large: ranges may be asked for');
    is($whole->{header}{'content-type'}, 'application/octet-stream', 'large: type');
    is($whole->{header}{'x-checksum-at'}, "$path.sha256", 'large: where its checksum is');
    is($whole->{header}{'cache-control'}, 'max-age=31536000', 'large: kept a year');

    my @parts = map { [$_ * 1_000_003, $_ * 1_000_003 + 1_000_002] } 0 .. 5;
    $parts[-1][1] = $size - 1;
    my $joined = join '', map {
        my $answer = get($t->port, $path, Range => "bytes=$_->[0]-$_->[1]",
            'If-Range' => $whole->{header}{etag});
        is("$answer->{status} " . ($answer->{header}{'content-range'} // ''),
            "206 bytes $_->[0]-$_->[1]/$size", "part from $_->[0]");
        $answer->{body};
    } @parts;
    is(md5_hex($joined), md5_hex($content), 'the parts make the whole');

    my $rest = get($t->port, $path, Range => 'bytes=5999990-');
    is(md5_hex($rest->{body}), md5_hex(substr $content, 5_999_990), 'a download that goes on');
    my $tail = get($t->port, $path, Range => 'bytes=-7');
    is(md5_hex($tail->{body}), md5_hex(substr $content, -7), 'its end');
    my $changed = get($t->port, $path, Range => 'bytes=5-', 'If-Range' => '"older"');
    is("$changed->{status} " . length $changed->{body}, "200 $size", 'changed since: all of it');
    my $beyond = get($t->port, $path, Range => "bytes=$size-");
    is("$beyond->{status} $beyond->{header}{'content-range'}", "416 bytes */$size", 'beyond its end');

    my $several = get($t->port, $path, Range => 'bytes=0-1,100000-100002,-1');
    my ($boundary) = $several->{header}{'content-type'} =~ m{^multipart/byteranges; boundary=(\w+)$};
    my @bodies = $several->{body} =~ /Content-Range: [^\r]+\r\n\r\n(.*?)\r\n--$boundary/gs;
    is_deeply(\@bodies, [substr($content, 0, 2), substr($content, 100_000, 3),
        substr($content, -1)], 'several parts at once');
    my $many = get($t->port, $path, Range => 'bytes=0-0,2-2,4-4,6-6,8-8');
    is("$many->{status} " . length $many->{body}, "200 $size", 'too many parts: all of it');

    # Somebody who leaves early.
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("GET $path HTTP/1.1\r\nHost: mirror.example.org\r\n\r\n");
    is(length $conn->read_bytes(100_000), 100_000, 'a beginning');
    $conn->close;
    wait_for { $t->access_log('logs/transfer.log') =~ /"GET \Q$path\E HTTP\/1\.1" 200 \d+ "-"\n\z/ }
        undef, 'the line of who left';
    $t->stop;
}

# A rate: the beginning comes at once and the rest bit by bit, but all of it.
{
    my $t = Test::Weir->new(name => 'slow mirror');
    my $content = 'abcdefgh' x 24_000;

    write_site($t);
    $t->write_file('html/pub/releases/2.1/tool-2.1.iso', $content, raw => 1);
    $t->write_conf($configuration);
    $t->start;
    my $answer = get($t->port, '/releases/2.1/tool-2.1.iso');
    is($answer->{status}, 200, 'with a rate');
    is(md5_hex($answer->{body}), md5_hex($content), 'with a rate: all of it');
    # The location in it has types and a rate of its own.
    is(get($t->port, '/releases/2.1/tool-2.1.tar.gz.sha256')->{header}{'cache-control'},
        'no-cache', 'without one');
    $t->stop;
}

run_tests();

__DATA__

=== a listing, with what the layout adds
--- full_config eval
$configuration
--- user_files
>>> layout/header.html
<h2>mirror</h2>
>>> layout/footer.html
<p>be kind</p>
>>> pub/list/README @1700000000
read me
>>> "pub/list/big & small.txt" @1700000000
big
>>> pub/list/.hidden
no
>>> pub/list/sub/ @1700000000
>>> pub/releases/2.1/tool-2.1.tar.gz @1700000000
tool
>>> pub/releases/2.1/tool-2.1.tar.gz.sha256
0000  tool-2.1.tar.gz
>>> pub/releases/2.1/NOTES.txt
what is new
>>> pub/screenshots/a.png
picture
>>> pub/screenshots/list.txt
a.png
>>> pub/incoming/new.txt
not yet
--- request
GET /list/
Host: mirror.example.org
--- response_headers
Content-Type: text/html
!Content-Length
!Last-Modified
--- response_body eval
"<h2>mirror</h2>\n" . <<'LISTING' =~ s/\n/\r\n/gr . "<p>be kind</p>\n"
<html>
<head><title>Index of /list/</title></head>
<body>
<h1>Index of /list/</h1><hr><pre><a href="../">../</a>
<a href="sub/">sub/</a>                                               14-Nov-2023 22:13                   -
<a href="README">README</a>                                             14-Nov-2023 22:13                   8
<a href="big%20%26%20small.txt">big &amp; small.txt</a>                                    14-Nov-2023 22:13                   4
</pre><hr></body>
</html>
LISTING

=== the same for programs
--- request
GET /api/list/list/
--- response_headers
Content-Type: application/json
--- response_body eval
<<'LISTING' =~ s/\n(?!\z)/\r\n/gr =~ s/\n\z//r
[
{ "name":"sub", "type":"directory", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT" },
{ "name":"README", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":8 },
{ "name":"big & small.txt", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":4 }
]
LISTING

=== every name of the mirror, and folders without their slash
--- keepalive_requests
GET /list
Host: ftp2.example.org
~~~
GET /list
Host: mirror.example.org
~~~
GET /api/list
--- error_code: 301 301 404
--- response_headers
Location: http://ftp2.example.org:%%PORT%%/list/
~~~
Location: http://mirror.example.org:%%PORT%%/list/
~~~
!Location

=== the layout is not for others
--- request
GET /_layout/header.html
--- error_code: 404

=== the current version is another one behind the scenes
--- keepalive_requests
GET /releases/current/NOTES.txt
~~~
GET /releases/current/none.txt
~~~
GET /latest
--- error_code: 200 404 302
--- response_body_like
\Awhat is new$
~~~
404 Not Found
~~~
302 Found
--- response_headers
Content-Type: text/plain
~~~
!Location
~~~
Location: http://localhost:%%PORT%%/releases/2.1/tool-2.1.tar.gz

=== checksums are text, packages are not
--- keepalive_requests
GET /releases/2.1/tool-2.1.tar.gz.sha256
~~~
GET /releases/2.1/tool-2.1.tar.gz
--- response_headers
Content-Type: text/plain
Cache-Control: no-cache
~~~
Content-Type: application/gzip
X-Checksum-At: /releases/2.1/tool-2.1.tar.gz.sha256
--- response_body
0000  tool-2.1.tar.gz
~~~
tool

=== pictures: for whoever says nothing, for us and for friends
--- keepalive_requests
GET /screenshots/a.png
Host: mirror.example.org
~~~
GET /screenshots/a.png
Host: mirror.example.org
Referer: a proxy took it away
~~~
GET /screenshots/a.png
Host: mirror.example.org
Referer: http://mirror.example.org/list/
~~~
GET /screenshots/a.png
Host: mirror.example.org
Referer: https://www.example.net/page?x=1
~~~
GET /screenshots/a.png
Host: mirror.example.org
Referer: http://my.friends.example/
--- response_body
picture
--- response_headers
Cache-Control: max-age=604800

=== and for nobody else
--- keepalive_requests
GET /screenshots/a.png
Host: mirror.example.org
Referer: http://elsewhere.example/mirror.example.org/
~~~
GET /screenshots/a.png
Host: mirror.example.org
Referer: http://example.net.evil.example/
~~~
GET /screenshots/list.txt
Host: mirror.example.org
Referer: http://elsewhere.example/
--- error_code: 403 403 200

=== incoming files are not there yet
--- keepalive_requests
GET /incoming/new.txt
~~~
GET /incoming/
~~~
GET /list/../incoming/new.txt
--- error_code: 403 403 403
--- error_log
access forbidden by rule

=== a listing of pictures asked for by a HEAD
--- request
HEAD /screenshots/
--- response_headers
Content-Type: text/html
