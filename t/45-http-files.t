# Static files: what their heads say, conditional requests, ranges, the ways to read a file, the
# cache of open files, symbolic links.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Digest::MD5 qw(md5_hex);
use IO::Socket::UNIX;
use POSIX ();

# Replaces a file as a careful editor does: the old one is never seen half written.
sub replace
{
    my ($t, $name, $content) = @_;

    $t->write_file("$name.new", $content);
    rename $t->dir . "/$name.new", $t->dir . "/$name" or die "rename: $!";
}

# --- large files, by every way to read them -----------------------------------------------------

my %ways = (
    plain => 'sendfile off;',
    sendfile => 'sendfile on;',
    nopush => 'sendfile on; tcp_nopush on; sendfile_max_chunk 100k;',
    unlimited => 'sendfile on; sendfile_max_chunk 0;',
    small => 'sendfile off; output_buffers 1 4k;',
    direct => 'directio 512k; output_buffers 2 64k;',
    aligned => 'directio 4k; directio_alignment 4k; output_buffers 1 128k;',
    threads => 'aio threads;',
    'threads-sendfile' => 'aio threads; sendfile on; sendfile_max_chunk 512k;',
    'threads-direct' => 'aio threads=own; sendfile on; directio 1m;',
    ahead => 'sendfile off; read_ahead 64k;',
    cached => 'sendfile on; open_file_cache max=10;',
);

{
    my $t = Test::Weir->new(name => 'large files');
    my $content = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 0 .. 750_000;
    $content .= 'odd';
    my $size = length $content;
    my $locations = join '', map {
        "        location /$_/ { alias html/; $ways{$_} }\n"
    } sort keys %ways;

    $t->write_file('html/large.bin', $content, raw => 1);
    $t->write_file('html/small.txt', "small\n");
    $t->write_conf("worker_processes 1; thread_pool own threads=2; events { } http { server {\n"
        . "listen 127.0.0.1:%%PORT%%;\n$locations } }");
    $t->start;
    for my $way (sort keys %ways) {
        my $answer = get($t->port, "/$way/large.bin");
        is($answer->{header}{'content-length'}, $size, "$way: length");
        is(md5_hex($answer->{body}), md5_hex($content), "$way: content");
        # Both ends lie off any alignment.
        my ($from, $to) = (1_000_001, 2_500_002);
        $answer = get($t->port, "/$way/large.bin", Range => "bytes=$from-$to");
        is($answer->{status}, 206, "$way: status of a range");
        is(md5_hex($answer->{body}), md5_hex(substr $content, $from, $to - $from + 1),
            "$way: content of a range");
        my $conn = Test::Weir::Conn->new($t->port);
        my $request = "GET /$way/large.bin HTTP/1.1\r\nHost: a\r\n\r\n";
        $conn->write("$request${request}GET /$way/small.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        for my $i (1, 2) {
            is(md5_hex($conn->read_response->{body}), md5_hex($content), "$way: pipelined, $i");
        }
        is($conn->read_response->{body}, "small\n", "$way: a small file after it");
    }
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("GET /sendfile/large.bin HTTP/1.0\r\n\r\n");
    is(md5_hex($conn->read_response->{body}), md5_hex($content), 'HTTP/1.0');
    # A client that goes away in the middle does no harm to the next.
    for my $way (sort keys %ways) {
        $conn = Test::Weir::Conn->new($t->port);
        $conn->write("GET /$way/large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
        $conn->read_until(qr/\r\n\r\n/);
        $conn->reset;
        is(get($t->port, "/$way/small.txt")->{body}, "small\n", "$way: after a client that left");
    }
    $t->stop;
}

# --- open_file_cache ----------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'open files');
    my $body = sub { get($t->port, $_[0])->{body} };
    my $status = sub { get($t->port, $_[0])->{status} };

    $t->write_file("html/$_.txt", "old\n")
        for qw(off kept gone checked checked-gone twice outdated);
    $t->write_file('html/folder/index.html', "index\n");
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    open_file_cache max=100 inactive=60s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /off { open_file_cache off; }
        location /checked { open_file_cache_valid 1s; }
        location /error { open_file_cache_errors on; }
        location /brief-error { open_file_cache_errors on; open_file_cache_valid 1s; }
        location /twice { open_file_cache_min_uses 2; }
        location /few/ { open_file_cache max=2; }
    }
}
CONF
    $t->start;

    is($body->('/off.txt'), "old\n", 'without the cache');
    replace($t, 'html/off.txt', "new\n");
    is($body->('/off.txt'), "new\n", 'without the cache a new file is seen at once');

    is($body->('/kept.txt'), "old\n", 'a file comes into the cache');
    replace($t, 'html/kept.txt', "other\n");
    my $kept = get($t->port, '/kept.txt');
    is($kept->{body}, "old\n", 'it is the open file that is answered, until it is checked');
    is($kept->{header}{'content-length'}, 4, 'with its own length');

    is($status->('/gone.txt'), 200, 'another');
    unlink $t->dir . '/html/gone.txt';
    is($status->('/gone.txt'), 200, 'a removed file is there until it is checked');

    is($body->('/checked.txt'), "old\n", 'checked each second: the old file');
    replace($t, 'html/checked.txt', "longer than before\n");
    ok(wait_for(sub { $body->('/checked.txt') eq "longer than before\n" }, 10, 'the new file'),
        'checked each second: the new file');
    is($status->('/checked-gone.txt'), 200, 'checked each second: there');
    unlink $t->dir . '/html/checked-gone.txt';
    ok(wait_for(sub { $status->('/checked-gone.txt') == 404 }, 10, 'a 404'),
        'checked each second: gone');

    is($status->('/appears.txt'), 404, 'not there');
    $t->write_file('html/appears.txt', "here\n");
    is($status->('/appears.txt'), 200, 'without open_file_cache_errors it is seen at once');

    is($status->('/error.txt'), 404, 'not there, and this is remembered');
    $t->write_file('html/error.txt', "here\n");
    is($status->('/error.txt'), 404, 'with open_file_cache_errors it is not seen yet');
    is($status->('/brief-error.txt'), 404, 'not there, remembered for a second');
    $t->write_file('html/brief-error.txt', "here\n");
    ok(wait_for(sub { $status->('/brief-error.txt') == 200 }, 10, 'the file'), 'then it is seen');

    is($status->('/error-closed.txt'), 404, 'an error is remembered with its kind');
    is($status->('/error-closed.txt'), 404, 'and answered again');

    is($body->('/folder/'), "index\n", 'an index file');
    is($body->('/folder/'), "index\n", 'an index file from the cache');
    is($status->('/folder'), 301, 'a folder');
    is($status->('/folder'), 301, 'a folder from the cache');

    for my $i (1 .. 20) {
        $t->write_file("html/few/$i.txt", "file $i\n");
    }
    my @wrong = grep { $body->("/few/$_.txt") ne "file $_\n" } 1 .. 20, reverse 1 .. 20;
    is("@wrong", '', 'more files than the cache has place for');
    $t->stop;
}

# --- symbolic links -----------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'symbolic links');
    my $status = sub { get($t->port, $_[0])->{status} };

    $t->write_file('html/plain.txt', "plain\n");
    $t->write_file('html/real/inside.txt', "inside\n");
    $t->write_file('html/real/index.html', "index\n");
    $t->write_file('html/foreign.txt', "foreign\n");
    symlink 'plain.txt', $t->dir . '/html/link.txt';
    symlink 'real', $t->dir . '/html/linked';
    symlink 'foreign.txt', $t->dir . '/html/to-foreign.txt';
    symlink 'nowhere', $t->dir . '/html/broken.txt';
    symlink 'loop.txt', $t->dir . '/html/loop.txt';
    symlink '../plain.txt', $t->dir . '/html/real/up.txt';
    symlink 'html', $t->dir . '/www';
    chown 65533, 65533, $t->dir . '/html/foreign.txt' if $> == 0;
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { }
        location /on/ { alias html/; disable_symlinks on; }
        location /owner/ { alias html/; disable_symlinks if_not_owner; }
        location /www/ { root .; disable_symlinks on from=$document_root; }
        location /from/ { alias www/; disable_symlinks on from=$document_root; }
        location /whole/ { alias www/; disable_symlinks on; }
        location /elsewhere/ { alias html/; disable_symlinks on from=/no/such/part; }
        location /cached/ { alias html/; disable_symlinks on; open_file_cache max=10; }
    }
}
CONF
    $t->start;
    my @cases = (
        ['/link.txt', 200, 'a link is followed'],
        ['/linked/inside.txt', 200, 'a linked folder is followed'],
        ['/linked/', 200, 'an index in a linked folder'],
        ['/broken.txt', 404, 'a link to nothing'],
        ['/on/plain.txt', 200, 'on: a file'],
        ['/on/link.txt', 403, 'on: a link'],
        ['/on/linked/inside.txt', '403 or 404', 'on: a linked folder'],
        ['/on/real/inside.txt', 200, 'on: a real folder'],
        ['/on/real/up.txt', 403, 'on: a link in a real folder'],
        ['/on/real/', 200, 'on: an index'],
        ['/on/missing.txt', 404, 'on: a missing file'],
        ['/on/broken.txt', 403, 'on: a link to nothing'],
        ['/on/linked/', '403 or 404', 'on: an index in a linked folder'],
        ['/owner/plain.txt', 200, 'if_not_owner: a file'],
        ['/owner/link.txt', 200, 'if_not_owner: a link of the same owner'],
        ['/owner/linked/inside.txt', 200, 'if_not_owner: a linked folder of the same owner'],
        ['/from/plain.txt', 200, 'from: links in that part are allowed'],
        ['/from/link.txt', 403, 'from: links after it are not'],
        ['/from/linked/inside.txt', '403 or 404', 'from: linked folders after it are not'],
        ['/whole/plain.txt', '403 or 404', 'without from: links in the root are not'],
        ['/elsewhere/plain.txt', 200, 'from another place: a file'],
        ['/elsewhere/link.txt', 403, 'from another place: a link'],
        ['/cached/link.txt', 403, 'with open_file_cache: a link'],
        ['/cached/link.txt', 403, 'with open_file_cache: a link once more'],
        ['/cached/plain.txt', 200, 'with open_file_cache: a file'],
    );
    # A folder that is a link may be told as a forbidden link or as no folder.
    for my $case (@cases) {
        my ($uri, $want, $name) = @$case;
        like($status->($uri), $want eq '403 or 404' ? qr/^40[34]$/ : qr/^$want$/, $name);
    }
    SKIP: {
        skip 'another owner takes root', 2 if $> != 0;
        is($status->('/owner/foreign.txt'), 200, 'if_not_owner: a file of another owner');
        is($status->('/owner/to-foreign.txt'), 403, 'if_not_owner: a link to it');
    }
    ok($t->error_log =~ m{/html/link\.txt" failed \(40: Too many levels of symbolic links\)},
        'the log says what is wrong');
    isnt($status->('/loop.txt'), 200, 'a link to itself');
    $t->stop;
}

# --- what is no regular file --------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'special files');

    $t->write_conf('worker_processes 1; events { } http { server { listen 127.0.0.1:%%PORT%%; } }');
    $t->start;
    POSIX::mkfifo($t->dir . '/html/fifo', 0644) or die "mkfifo: $!";
    my $socket = IO::Socket::UNIX->new(Local => $t->dir . '/html/socket', Listen => 1) or die $!;
    symlink '/dev/zero', $t->dir . '/html/device';
    is(get($t->port, "/$_")->{status}, 404, $_) for qw(fifo device);
    is(get($t->port, '/socket')->{status}, 404, 'socket')
        unless skipped('a socket', differs => 'it cannot be opened, which nginx calls a 500');
    ok($t->error_log =~ m{/html/fifo" is not a regular file}, 'the log says why');
    $t->allow_log(qr/is not a regular file/);
    $t->stop;
}

run_tests();

__DATA__

=== a file's head
--- http_config
types { text/plain txt; text/html html; image/png png; }
default_type application/x-unknown;
--- config
root html;
location /before/ { alias html/; if_modified_since before; }
location /never/ { alias html/; if_modified_since off; }
location /no-etag/ { alias html/; etag off; }
location /no-ranges/ { alias html/; max_ranges 0; }
location /one-range/ { alias html/; max_ranges 1; }
location /two-ranges/ { alias html/; max_ranges 2; }
location /post/ { alias html/; error_page 405 =200 $uri; }
--- user_files
>>> digits.txt @1700000000
0123456789
>>> page.html @1
<p>page</p>
>>> empty.txt @1700000000 eval
""
>>> big.bin @1700000000 eval
join "", map { pack "N", $_ } 0 .. 65535
>>> closed.txt 0000
secret
>>> bare/
--- request
GET /digits.txt
--- response_headers
Content-Type: text/plain
Content-Length: 11
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-b"
Accept-Ranges: bytes
!Transfer-Encoding
!Content-Range
!Cache-Control
!Expires
--- response_body
0123456789

=== HEAD: the same head without the body
--- keepalive_requests
HEAD /digits.txt
~~~
HEAD /empty.txt
~~~
HEAD /big.bin
--- response_headers
Content-Type: text/plain
Content-Length: 11
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-b"
Accept-Ranges: bytes
~~~
Content-Type: text/plain
Content-Length: 0
ETag: "6553f100-0"
~~~
Content-Type: application/x-unknown
Content-Length: 262144
ETag: "6553f100-40000"
--- response_body:

=== etag off
--- keepalive_requests
GET /no-etag/digits.txt
~~~
GET /no-etag/digits.txt
If-None-Match: "6553f100-b"
--- response_headers
!ETag
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT

=== an empty file
--- request
GET /empty.txt
--- response_headers
Content-Length: 0
Content-Type: text/plain
ETag: "6553f100-0"
--- response_body:

=== methods that a file does not know
--- keepalive_requests
POST /digits.txt

body
~~~
PUT /digits.txt

body
~~~
DELETE /digits.txt
~~~
OPTIONS /digits.txt
~~~
PATCH /digits.txt

body
~~~
PROPFIND /digits.txt
~~~
FOO /digits.txt
~~~
GET /digits.txt
--- error_code: 405 405 405 405 405 405 405 200
--- response_body_like
405 Not Allowed
~~~
405 Not Allowed
~~~
405 Not Allowed
~~~
405 Not Allowed
~~~
405 Not Allowed
~~~
405 Not Allowed
~~~
405 Not Allowed
~~~
^0123456789$

=== TRACE is refused
--- request
TRACE /digits.txt
--- error_code: 405

=== POST to a missing file is a 404
--- request
POST /missing.txt

body
--- error_code: 404
--- error_log
/html/missing.txt" failed

=== error_page makes POST to a file possible
--- request
POST /post/digits.txt

body
--- response_body
0123456789

=== a file that may not be read, a folder without index, nothing at all
--- keepalive_requests
GET /closed.txt
~~~
GET /bare/
~~~
GET /missing
~~~
GET /digits.txt/
~~~
GET /digits.txt/more
--- error_code: 403 403 404 404 404
--- error_log
/html/closed.txt" failed (13: Permission denied)
directory index of "%%DIR%%/html/bare/" is forbidden
/html/missing" failed (2: No such file or directory)
(20: Not a directory)

=== POST to a folder
--- request
POST /bare

body
--- error_code: 301

=== POST to a folder with a slash
--- request
POST /bare/

body
--- error_code: 403

=== If-Modified-Since: the very date, as exact is the default
--- keepalive_requests
GET /digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:21 GMT
~~~
GET /digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT
~~~
GET /digits.txt
If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT
~~~
GET /digits.txt
If-Modified-Since: Tue Nov 14 22:13:20 2023
~~~
GET /digits.txt
If-Modified-Since: yesterday
~~~
HEAD /digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /page.html
If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT
--- error_code: 304 200 200 304 304 200 304 304

=== a 304 has the validators and nothing about a body
--- request
GET /digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 304
--- response_headers
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-b"
!Content-Length
!Content-Type
!Accept-Ranges
!Transfer-Encoding
--- response_body:

=== if_modified_since before: a later date is as good
--- keepalive_requests
GET /before/digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /before/digits.txt
If-Modified-Since: Wed, 15 Nov 2023 22:13:20 GMT
~~~
GET /before/digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT
~~~
GET /before/digits.txt
If-Modified-Since: tomorrow
--- error_code: 304 304 200 200

=== if_modified_since off: always the whole file
--- keepalive_requests
GET /never/digits.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /never/digits.txt
If-None-Match: "6553f100-b"
--- error_code: 200 304

=== If-None-Match
--- keepalive_requests
GET /digits.txt
If-None-Match: "6553f100-b"
~~~
GET /digits.txt
If-None-Match: W/"6553f100-b"
~~~
GET /digits.txt
If-None-Match: "6553f100-c"
~~~
GET /digits.txt
If-None-Match: "a", "b", "6553f100-b"
~~~
GET /digits.txt
If-None-Match: "a","6553f100-b","b"
~~~
GET /digits.txt
If-None-Match: *
~~~
GET /digits.txt
If-None-Match: 6553f100-b
~~~
GET /digits.txt
If-None-Match: "6553f100-b
~~~
GET /digits.txt
If-None-Match: "x6553f100-b"
~~~
HEAD /digits.txt
If-None-Match: "6553f100-b"
--- error_code: 304 304 200 304 304 304 200 200 200 304

=== If-Match
--- keepalive_requests
GET /digits.txt
If-Match: "6553f100-b"
~~~
GET /digits.txt
If-Match: "a", "6553f100-b"
~~~
GET /digits.txt
If-Match: *
~~~
GET /digits.txt
If-Match: "6553f100-c"
--- error_code: 200 200 200 412
--- response_body_like
^0123456789$
~~~
^0123456789$
~~~
^0123456789$
~~~
412 Precondition Failed

=== If-Match takes strong tags only
--- request
GET /digits.txt
If-Match: W/"6553f100-b"
--- error_code: 412

=== If-Match of a HEAD
--- request
HEAD /digits.txt
If-Match: "other"
--- error_code: 412

=== If-Unmodified-Since
--- keepalive_requests
GET /digits.txt
If-Unmodified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /digits.txt
If-Unmodified-Since: Tue, 14 Nov 2023 22:13:21 GMT
~~~
GET /digits.txt
If-Unmodified-Since: Tue, 14 Nov 2023 22:13:19 GMT
--- error_code: 200 200 412

=== two conditions that hold: nothing has changed
--- keepalive_requests
GET /digits.txt
If-Match: "6553f100-b"
If-None-Match: "6553f100-b"
~~~
GET /digits.txt
If-Unmodified-Since: Tue, 14 Nov 2023 22:13:21 GMT
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 304 304

=== a failed If-Match comes before If-None-Match
--- request
GET /digits.txt
If-Match: "other"
If-None-Match: "6553f100-b"
--- error_code: 412

=== a failed If-Unmodified-Since comes before If-Modified-Since
--- request
GET /digits.txt
If-Unmodified-Since: Tue, 14 Nov 2023 22:13:19 GMT
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 412

=== If-None-Match and If-Modified-Since: a tag that differs gives the file
--- keepalive_requests
GET /digits.txt
If-None-Match: "other"
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /digits.txt
If-None-Match: "6553f100-b"
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 200 304

=== conditions do not count for an error
--- request
GET /missing
If-None-Match: *
If-Match: "x"
--- error_code: 404
--- error_log
/html/missing" failed

=== a single range
--- request
GET /digits.txt
Range: bytes=2-5
--- error_code: 206
--- response_headers
Content-Range: bytes 2-5/11
Content-Length: 4
Content-Type: text/plain
ETag: "6553f100-b"
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
!Accept-Ranges
--- response_body chomp
2345

=== ranges that are given in part, or reach over the end
--- keepalive_requests
GET /digits.txt
Range: bytes=0-0
~~~
GET /digits.txt
Range: bytes=7-
~~~
GET /digits.txt
Range: bytes=-3
~~~
GET /digits.txt
Range: bytes=5-100
~~~
GET /digits.txt
Range: bytes=-100
~~~
GET /digits.txt
Range: bytes=0-
~~~
GET /digits.txt
Range: bytes= 1-2
~~~
GET /digits.txt
Range: bytes=0-9223372036854775806
--- error_code: 206
--- response_headers
Content-Range: bytes 0-0/11
~~~
Content-Range: bytes 7-10/11
~~~
Content-Range: bytes 8-10/11
~~~
Content-Range: bytes 5-10/11
~~~
Content-Range: bytes 0-10/11
~~~
Content-Range: bytes 0-10/11
~~~
Content-Range: bytes 1-2/11
~~~
Content-Range: bytes 0-10/11
--- response_body_like
\A0\z
~~~
\A789\n\z
~~~
\A89\n\z
~~~
\A56789\n\z
~~~
\A0123456789\n\z
~~~
\A0123456789\n\z
~~~
\A12\z
~~~
\A0123456789\n\z

=== a range that cannot be satisfied
--- request
GET /digits.txt
Range: bytes=11-20
--- error_code: 416
--- response_headers
Content-Range: bytes */11
Content-Type: text/html
--- response_body_like
416 Requested Range Not Satisfiable

=== ranges that make no sense are refused
--- keepalive_requests
GET /digits.txt
Range: bytes=5-2
~~~
GET /digits.txt
Range: bytes=-0
~~~
GET /digits.txt
Range: bytes=a-b
~~~
GET /digits.txt
Range: bytes=1
~~~
GET /digits.txt
Range: bytes=1-2,x
~~~
GET /digits.txt
Range: bytes=99999999999999999999-
~~~
GET /digits.txt
Range: bytes=-
--- error_code: 416

=== an empty file has no ranges
--- request
GET /empty.txt
Range: bytes=0-0
--- response_headers
Content-Length: 0
!Content-Range

=== another unit is as if there was no Range
--- keepalive_requests
GET /digits.txt
Range: lines=1-2
~~~
GET /digits.txt
Range: bytes
~~~
GET /digits.txt
Range: 1-2
--- response_headers
!Content-Range
Content-Length: 11
Accept-Ranges: bytes
--- response_body
0123456789

=== the name of the unit in another case
--- request
GET /digits.txt
Range: BYTES=1-2
--- error_code: 206
--- response_body chomp
12

=== several ranges
--- request
GET /digits.txt
Range: bytes=0-1, 4-5,-2
--- error_code: 206
--- response_headers
!Content-Range
--- response_headers_like
Content-Type: multipart/byteranges; boundary=\S+
Content-Length: \d+
--- raw_response_like
boundary=(\S+)\r\n.*?\r\n\r\n\r\n--\1\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/11\r\n\r\n01\r\n--\1\r\nContent-Type: text/plain\r\nContent-Range: bytes 4-5/11\r\n\r\n45\r\n--\1\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-10/11\r\n\r\n9\n\r\n--\1--\r\n$

=== several ranges, of which one can be satisfied
--- keepalive_requests
GET /digits.txt
Range: bytes=2-3,20-30
~~~
GET /digits.txt
Range: bytes=20-30,2-3,40-
--- error_code: 206
--- response_headers
Content-Range: bytes 2-3/11
Content-Length: 2
--- response_body chomp
23

=== several ranges, none of which can be satisfied
--- request
GET /digits.txt
Range: bytes=20-30,40-50
--- error_code: 416
--- response_headers
Content-Range: bytes */11

=== ranges that are together more than the file give the file
--- request
GET /digits.txt
Range: bytes=0-9,1-9
--- response_headers
Content-Length: 11
Content-Type: text/plain
!Content-Range
--- response_body
0123456789

=== several ranges of a file larger than any buffer
--- request
GET /big.bin
Range: bytes=4-7,131072-131079,-4
--- error_code: 206
--- raw_response_like
boundary=(\S+)\r\n.*bytes 4-7/262144\r\n\r\n\0\0\0\x01\r\n--\1\r\n.*bytes 131072-131079/262144\r\n\r\n\0\0\x80\0\0\0\x80\x01\r\n--\1\r\n.*bytes 262140-262143/262144\r\n\r\n\0\0\xff\xff\r\n--\1--\r\n$

=== HEAD with a range
--- keepalive_requests
HEAD /digits.txt
Range: bytes=2-5
~~~
HEAD /digits.txt
Range: bytes=20-30
~~~
GET /digits.txt
--- error_code: 206 416 200
--- response_headers
Content-Length: 4
Content-Range: bytes 2-5/11
~~~
Content-Range: bytes */11
~~~
Content-Length: 11

=== max_ranges 0: no ranges at all
--- request
GET /no-ranges/digits.txt
Range: bytes=2-5
--- response_headers
!Content-Range
!Accept-Ranges
Content-Length: 11
--- response_body
0123456789

=== max_ranges: more of them give the whole file
--- keepalive_requests
GET /one-range/digits.txt
Range: bytes=2-5
~~~
GET /one-range/digits.txt
Range: bytes=2-3,5-6
~~~
GET /two-ranges/digits.txt
Range: bytes=2-3,5-6
~~~
GET /two-ranges/digits.txt
Range: bytes=2-3,5-6,8-8
--- error_code: 206 200 206 200

=== If-Range with a date
--- keepalive_requests
GET /digits.txt
Range: bytes=2-5
If-Range: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /digits.txt
Range: bytes=2-5
If-Range: Tue, 14 Nov 2023 22:13:19 GMT
~~~
GET /digits.txt
Range: bytes=2-5
If-Range: Tue, 14 Nov 2023 22:13:21 GMT
--- error_code: 206 200 200

=== If-Range with a tag
--- keepalive_requests
GET /digits.txt
Range: bytes=2-5
If-Range: "6553f100-b"
~~~
GET /digits.txt
Range: bytes=2-5
If-Range: "other"
~~~
GET /digits.txt
Range: bytes=2-5
If-Range: W/"6553f100-b"
~~~
GET /digits.txt
If-Range: "6553f100-b"
~~~
GET /no-etag/digits.txt
Range: bytes=2-5
If-Range: "6553f100-b"
--- error_code: 206 200 200 200 200

=== a range and a condition: the condition comes first
--- keepalive_requests
GET /digits.txt
Range: bytes=2-5
If-None-Match: "6553f100-b"
~~~
GET /digits.txt
Range: bytes=2-5
If-Match: "6553f100-b"
~~~
GET /digits.txt
Range: bytes=20-
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /digits.txt
Range: bytes=2-5
If-Match: "other"
--- error_code: 304 206 304 412

=== ranges are for GET of a file only, not for what `return` says
--- config
location / { return 200 "0123456789"; }
--- request
GET /
Range: bytes=2-5
--- response_headers
!Accept-Ranges
!Content-Range
--- response_body: 0123456789

=== values that the directives of files do not know
--- config
if_modified_since sometimes;
--- conf_error
[emerg] invalid value "sometimes" in %%CONF%%:

=== an open_file_cache without a size
--- config
open_file_cache inactive=10s;
--- conf_error
[emerg] "open_file_cache" must have the "max" parameter in %%CONF%%:

=== an open_file_cache with a parameter that is not known
--- config
open_file_cache max=10 size=7;
--- conf_error
[emerg] invalid "open_file_cache" parameter "size=7" in %%CONF%%:

=== an open_file_cache of nothing
--- config
open_file_cache max=0;
--- conf_error
[emerg] invalid "open_file_cache" parameter "max=0" in %%CONF%%:

=== disable_symlinks with a value that is not known
--- config
disable_symlinks maybe;
--- conf_error
[emerg] invalid parameter "maybe" in %%CONF%%:

=== disable_symlinks off has no parameters
--- config
disable_symlinks from=/;
--- conf_error
[emerg] "disable_symlinks"

=== a thread pool that is nowhere defined
--- config
location / { aio threads=nowhere; }
--- conf_error
[emerg] unknown thread pool "nowhere" in %%CONF%%:

=== aio with a value that is not known
--- config
aio perhaps;
--- conf_error
[emerg] "aio" directive invalid value in %%CONF%%:
