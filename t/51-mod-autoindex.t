# Listings of folders in every format, random_index, empty_gif and stub_status.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use JSON::PP;

my $time = 1_700_000_000;

# --- names that are hard to write down ----------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'odd names');
    my @odd = ('plain.txt', 'sp ace', 'q?#%&=+;', q{<b>"'}, 'colon:name', "tab\tname", "new\nline",
        'back\\slash', '%41', '&amp;', "\xc3\xa9t\xc3\xa9", '~tilde', '..double', '(round)[square]',
        'x' x 60, "long \xc3\xa9" x 12);

    # A name that begins with a dot is hidden.
    my @shown = sort grep { !/^\./ } @odd;
    for my $name (@odd) {
        $t->write_file("html/odd/$name", "this is $name", raw => 1, mtime => $time);
    }
    $t->write_file('html/odd/.hidden', 'hidden');
    $t->write_file("html/latin/\xe9", "latin", mtime => $time);
    $t->write_file('html/<i>&/inside', 'inside');
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    autoindex on;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /json/ { alias html/; autoindex_format json; }
        location /xml/ { alias html/; autoindex_format xml; }
        location /jsonp/ { alias html/; autoindex_format jsonp; }
    }
}
CONF
    $t->start;

    my $page = get($t->port, '/odd/')->{body};
    my @links = $page =~ /<a href="([^"]*)"/g;
    is(shift @links, '../', 'html: the first link leads up');
    my @found = sort map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } @links;
    is_deeply(\@found, \@shown, 'html: every name has its link');
    my @broken = grep { get($t->port, "/odd/$_")->{body} !~ /^this is / } @links;
    is("@broken", '', 'html: every link leads to its file');
    is(scalar(grep { /^[^\/?#]*:/ } @links), 0, 'html: no link looks like a scheme');
    unlike($page, qr/<b>/, 'html: a name is no markup');
    like($page, qr/>&lt;b&gt;/, 'html: a name is escaped');
    like($page, qr/>&amp;amp;</, 'html: an escape in a name is escaped');
    like($page, qr/">x{40,58}\.\.&gt;<\/a>/, 'html: a long name is cut where it is shown');
    unlike($page, qr/hidden/, 'html: no hidden files');
    my $top = get($t->port, '/%3Ci%3E&/')->{body};
    unlike($top, qr/<i>/, 'html: the name of the folder is no markup');
    like($top, qr/href="inside"/, 'html: what is in it');
    my ($latin) = get($t->port, '/latin/')->{body} =~ /<a href="([^".]+)"/;
    is(get($t->port, '/latin/' . ($latin // 'none'))->{body}, 'latin', 'html: a name in Latin 1');

    my $list = decode_json(get($t->port, '/json/odd/')->{body});
    utf8::encode($_->{name}) for @$list;
    is_deeply([sort map { $_->{name} } @$list], \@shown, 'json: every name');
    my %size = map { $_->{name} => $_->{size} } @$list;
    is_deeply(\%size, {map { $_ => length "this is $_" } @shown}, 'json: every size');

    my $xml = get($t->port, '/xml/odd/')->{body};
    my %entity = (lt => '<', gt => '>', quot => '"', amp => '&');
    @found = map { s/&(\w+);/$entity{$1}/gr } $xml =~ /<file [^>]*>([^<]*)<\/file>/g;
    is_deeply([sort @found], \@shown, 'xml: every name');

    my $script = get($t->port, '/jsonp/odd/?callback=fill')->{body};
    my ($array) = $script =~ /^(?:\/\* callback \*\/\r?\n)?fill\((.*)\);\s*$/s;
    is(scalar @{decode_json($array // '[]')}, scalar @shown, 'jsonp: every name');
    $t->stop;
}

# --- many names ---------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'many names');
    my @names = map { sprintf 'file-%04d', $_ } 1 .. 1500;

    $t->write_file("html/many/$_", '') for @names;
    $t->write_file('html/closed/', '', mode => 0311);
    $t->write_conf('events { } http { autoindex on; server { listen 127.0.0.1:%%PORT%%;'
        . ' location /json/ { alias html/; autoindex_format json; } } }');
    mkdir $t->dir . '/html/links';
    symlink '../many', $t->dir . '/html/links/folder';
    symlink '../many/file-0001', $t->dir . '/html/links/file';
    symlink 'nowhere', $t->dir . '/html/links/broken';
    $t->start;
    my @links = get($t->port, '/many/')->{body} =~ /<a href="(file[^"]*)"/g;
    is_deeply(\@links, \@names, 'html: all, in order');
    my $list = decode_json(get($t->port, '/json/many/')->{body});
    is_deeply([map { $_->{name} } @$list], \@names, 'json: all, in order');
    $list = decode_json(get($t->port, '/json/links/')->{body});
    is_deeply({map { $_->{name} => $_->{type} } @$list},
        {folder => 'directory', file => 'file', broken => 'other'}, 'json: links');
    like(get($t->port, '/links/')->{body}, qr/href="folder\/".*href="broken".*href="file"/s,
        'html: links');
    my $status = get($t->port, '/closed/')->{status};
    is($status, 403, 'a folder that may not be read');
    like($t->error_log, qr{opendir\(\) ".*/html/closed/?" failed \(13: Permission denied\)},
        'a folder that may not be read: logged');
    $t->stop;
}

# --- the time zone of a listing -----------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'time zone');

    $t->write_file('html/a/file', 'content', mtime => $time);
    $t->write_conf(<<'CONF');
events { }
http {
    autoindex on;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /local/ { alias html/; autoindex_localtime on; }
        location /json/ { alias html/; autoindex_localtime on; autoindex_format json; }
    }
}
CONF
    $t->start(env => {TZ => 'WEIR-05:30'});
    like(get($t->port, '/a/')->{body}, qr/>file<\/a> +14-Nov-2023 22:13 +7\r\n/, 'UTC');
    like(get($t->port, '/local/a/')->{body}, qr/>file<\/a> +15-Nov-2023 03:43 +7\r\n/,
        'autoindex_localtime');
    like(get($t->port, '/json/a/')->{body}, qr/"Tue, 14 Nov 2023 22:13:20 GMT"/,
        'autoindex_localtime is for HTML only');
    $t->stop;
}

# --- random_index -------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'random_index');
    my %seen;

    $t->write_file("html/$_", $_) for qw(r/one.txt r/two.txt r/three.txt r/.hidden r/folder/x);
    $t->write_file('html/empty/.hidden', 'hidden');
    $t->write_file('html/both/index.html', 'index');
    $t->write_file('html/both/other.html', 'other');
    $t->write_conf('events { } http { server { listen 127.0.0.1:%%PORT%%;'
        . ' location / { random_index on; } location /both/ { random_index off; } } }');
    $t->start;
    for (1 .. 80) {
        $seen{get($t->port, '/r/')->{body}} = 1;
    }
    is_deeply([sort keys %seen], [map { "r/$_.txt" } qw(one three two)],
        'each file sometimes, but no folder and no hidden file');
    is(get($t->port, '/r/one.txt')->{body}, 'r/one.txt', 'a file by its name');
    is(get($t->port, '/both/')->{body}, 'index', 'random_index off');
    is(get($t->port, '/missing/')->{status}, 404, 'a missing folder');
    is(request($t->port, 'POST', '/r/', body => 'x')->{status}, 405, 'POST');
    isnt(get($t->port, '/empty/')->{status}, 200, 'nothing to choose from');
    $t->stop;
}

# --- stub_status --------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'stub_status');

    $t->write_conf('worker_processes 1; events { } http { server { listen 127.0.0.1:%%PORT%%;'
        . ' location /status { stub_status; }'
        . ' location /vars { return 200 "$connections_active $connections_reading'
        . ' $connections_writing $connections_waiting"; } } }');
    $t->start;
    my $read = sub {
        my ($conn) = @_;
        my $answer;
        if ($conn) {
            $conn->write("GET /status HTTP/1.1\r\nHost: a\r\n\r\n");
            $answer = $conn->read_response;
        } else {
            $answer = get($t->port, '/status');
        }
        my @numbers = $answer->{body} =~ /\AActive\ connections:\ (\d+)\ \n
            server\ accepts\ handled\ requests\n\ (\d+)\ (\d+)\ (\d+)\ \n
            Reading:\ (\d+)\ Writing:\ (\d+)\ Waiting:\ (\d+)\ \n\z/x;
        my %status;
        @status{qw(active accepts handled requests reading writing waiting)} = @numbers;
        return \%status;
    };
    my $conn = Test::Weir::Conn->new($t->port);
    my $first = $read->($conn);
    is_deeply($first, {active => 1, accepts => 1, handled => 1, requests => 1, reading => 0,
        writing => 1, waiting => 0}, 'the first request');
    my $second = $read->($conn);
    is("@$second{qw(accepts requests)}", '1 2', 'a second one on the same connection');

    my $idle = Test::Weir::Conn->new($t->port);
    $idle->write("GET /vars HTTP/1.1\r\nHost: a\r\n\r\n");
    is($idle->read_response->{body}, '2 0 1 1', 'variables: two connections, one is waiting');
    my $begun = Test::Weir::Conn->new($t->port);
    $begun->write("GET /vars HTTP/1.1\r\nHo");
    $begun->drained;
    wait_for { $read->($conn)->{reading} == 1 } 5, 'a connection that is read from';
    my $third = $read->($conn);
    is("@$third{qw(active reading writing waiting accepts handled)}", '3 1 1 1 3 3',
        'one of each kind');
    $_->close for $idle, $begun;
    ok(wait_for(sub { $read->($conn)->{active} == 1 }, 5, 'the ends'), 'closed connections');
    is("@{$read->($conn)}{qw(accepts handled reading waiting)}", '3 3 0 0', 'are counted no more');
    $t->stop;
}

run_tests();

__DATA__

=== a listing in HTML
--- config
root html;
autoindex on;
location /off/ { alias html/dir/; autoindex off; }
location /json/ { alias html/; autoindex_format json; }
location /xml/ { alias html/; autoindex_format xml; }
location /jsonp/ { alias html/; autoindex_format jsonp; }
location /about/ { alias html/; autoindex_exact_size off; }
location /about-json/ { alias html/; autoindex_exact_size off; autoindex_format json; }
location /other-index/ { alias html/; index start.htm index.html; }
--- user_files
>>> dir/b.txt @1700000000
four
>>> dir/B.txt @1700000000
four
>>> dir/10 @1700000000
ten
>>> dir/9 @1700000000
nine
>>> dir/a.txt @1700000000 eval
""
>>> dir/zoo/ @1700000000
>>> dir/Art/ @1700000000
>>> dir/.hidden
hidden
>>> sizes/a999 @1700000000 eval
"x" x 999
>>> sizes/b9999 @1700000000 eval
"x" x 9999
>>> sizes/c10000 @1700000000 eval
"x" x 10000
>>> sizes/d102400 @1700000000 eval
"x" x 102400
>>> sizes/e1048576 @1700000000 eval
"x" x 1048576
>>> sizes/f5000000 @1700000000 eval
"x" x 5_000_000
>>> empty/
>>> index/index.html
index
>>> index/other
other
--- request
GET /dir/
--- response_headers
Content-Type: text/html
!Last-Modified
!ETag
--- response_body_like
\A<html>.*<title>Index of /dir/</title>.*<h1>Index of /dir/</h1>.*<a href="\.\./">\.\./</a>.*</html>\s*\z

=== folders come first, then files by the bytes of their names
--- request
GET /dir/
--- response_body_like
>\.\./<.*>Art/<.*>zoo/<.*>10<.*>9<.*>B\.txt<.*>a\.txt<.*>b\.txt<

=== a line: link, date, size
--- request
GET /dir/
--- response_body_like
^<a href="zoo/">zoo/</a> +14-Nov-2023 22:13 +-\r?\n.*^<a href="a\.txt">a\.txt</a> +14-Nov-2023 22:13 +0\r?\n<a href="b\.txt">b\.txt</a> +14-Nov-2023 22:13 +5\r?\n

=== hidden files are not shown
--- request
GET /dir/
--- response_body_unlike
hidden

=== an empty folder
--- keepalive_requests
GET /empty/
~~~
GET /json/empty/
~~~
GET /xml/empty/
--- response_body_like
<a href="\.\./">\.\./</a>
~~~
\A\[\s*\]\s*\z
~~~
<list>\s*</list>

=== HEAD of a listing
--- keepalive_requests
HEAD /dir/
~~~
GET /json/empty/
--- response_headers
Content-Type: text/html
~~~
Content-Type: application/json

=== sizes, exact
--- request
GET /sizes/
--- response_body_like
>a999<.* 999\s.*>b9999<.* 9999\s.*>c10000<.* 10000\s.*>d102400<.* 102400\s.*>e1048576<.* 1048576\s.*>f5000000<.* 5000000\s

=== sizes, rounded
--- request
GET /about/sizes/
--- response_body_like
>a999<.* 999\s.*>b9999<.* 9999\s.*>c10000<.* 10K\s.*>d102400<.* 100K\s.*>e1048576<.* 1M\s.*>f5000000<.* 5M\s

=== autoindex_exact_size is for HTML only
--- request
GET /about-json/sizes/
--- response_body_like
"size":5000000 }

=== JSON
--- request
GET /json/dir/
--- response_headers
Content-Type: application/json
--- response_body eval
join("\r\n", "[", '{ "name":"Art", "type":"directory", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT" },',
    '{ "name":"zoo", "type":"directory", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT" },',
    '{ "name":"10", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":4 },',
    '{ "name":"9", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":5 },',
    '{ "name":"B.txt", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":5 },',
    '{ "name":"a.txt", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":0 },',
    '{ "name":"b.txt", "type":"file", "mtime":"Tue, 14 Nov 2023 22:13:20 GMT", "size":5 }', "]")

=== XML
--- request
GET /xml/dir/
--- response_headers_like
Content-Type: text/xml(; ?charset=utf-8)?
--- response_body_like
\A<\?xml version="1\.0"\?>\s*<list>\s*<directory mtime="2023-11-14T22:13:20Z">Art</directory>\s*<directory [^>]*>zoo</directory>\s*<file mtime="2023-11-14T22:13:20Z" size="4">10</file>.*<file mtime="2023-11-14T22:13:20Z" size="0">a\.txt</file>\s.*</list>\s*\z

=== JSONP
--- keepalive_requests
GET /jsonp/empty/?callback=my_list
~~~
GET /jsonp/empty/?a=b&callback=list.Items_2
~~~
GET /jsonp/empty/
~~~
GET /jsonp/empty/?callback=
--- response_headers
Content-Type: application/javascript
~~~
Content-Type: application/javascript
~~~
Content-Type: application/json
~~~
Content-Type: application/json
--- response_body_like
my_list\(\[\s*\]\);\s*\z
~~~
list\.Items_2\(\[\s*\]\);\s*\z
~~~
\A\[\s*\]\s*\z
~~~
\A\[\s*\]\s*\z

=== a callback that is no name
--- request
GET /jsonp/empty/?callback=alert(1);x
--- error_code: 400
--- error_log
client sent invalid callback name: "alert(1);x"

=== a callback that is markup
--- request
GET /jsonp/empty/?callback=<script>
--- error_code: 400
--- response_body_unlike
<script>
--- error_log
client sent invalid callback name

=== an index file comes before the listing
--- keepalive_requests
GET /index/
~~~
GET /other-index/index/
~~~
GET /other-index/dir/
--- response_body_like
\Aindex\n\z
~~~
\Aindex\n\z
~~~
Index of /other-index/dir/

=== off, missing, and a folder without a slash
--- keepalive_requests
GET /off/
~~~
GET /missing/
~~~
GET /dir
~~~
POST /dir/
--- error_code: 403 404 301 403
--- error_log
directory index of "%%DIR%%/html/dir/" is forbidden

=== an empty GIF
--- config
location /gif { empty_gif; }
location /status { stub_status; }
location /old { stub_status on; }
--- request
GET /gif
--- response_headers
Content-Type: image/gif
Content-Length: 43
Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT
--- response_body eval
"GIF89a\x01\0\x01\0\x80\x01\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\x01\0,\0\0\0\0\x01\0\x01\0\0"
    . "\x02\x02L\x01\0;"

=== it can be kept by the client
--- keepalive_requests
GET /gif
If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT
~~~
HEAD /gif
~~~
POST /gif

body
--- error_code: 304 200 405
--- response_headers
!Content-Type
~~~
Content-Length: 43
~~~
Content-Type: text/html

=== stub_status, and as it was written once
--- keepalive_requests
GET /status
~~~
GET /old
~~~
HEAD /status
~~~
POST /status

body
--- error_code: 200 200 200 405
--- response_headers
Content-Type: text/plain
~~~
Content-Type: text/plain
~~~
Content-Type: text/plain
~~~
Content-Type: text/html
--- response_body_like
\AActive connections: 1 \nserver accepts handled requests\n \d+ \d+ \d+ \nReading: 0 Writing: 1 Waiting: 0 \n\z
~~~
\AActive connections: 1 \n
~~~
\A\z
~~~
405 Not Allowed

=== a format that autoindex does not know
--- config
autoindex_format yaml;
--- conf_error
[emerg] invalid value "yaml" in %%CONF%%:

=== empty_gif takes nothing
--- config
location / { empty_gif on; }
--- conf_error
[emerg] invalid number of arguments in "empty_gif" directive in %%CONF%%:

=== random_index is for locations
--- config
random_index on;
--- conf_error
[emerg] "random_index" directive is not allowed here in %%CONF%%:
