# gzip, gunzip and gzip_static: when they do what, and that bodies come out whole.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);

my @gz = ('Accept-Encoding' => 'gzip');
my @via = ('Via' => '1.1 proxy');

sub packed
{
    my ($text) = @_;

    gzip(\$text => \my $out, Minimal => 1) or die 'cannot compress';
    return $out;
}

# Text that compresses, the same in every run.
sub text
{
    my ($length) = @_;
    my ($text, $n) = ('', 7);

    while (length $text < $length) {
        $n = ($n * 1103515245 + 12345) % 2147483648;
        $text .= 'line ' . ($n >> 7) . " of a page\n";
    }
    return substr $text, 0, $length;
}

# The body as it was before; undef when it is no gzip, or not a whole one.
sub plain
{
    my ($answer) = @_;
    my ($in, $out) = $answer->{body};

    return gunzip(\$in => \$out, Strict => 1) ? $out : undef;
}

sub coding { return $_[0]{header}{'content-encoding'} // 'none' }

my %files = (small => text(19), twenty => text(20), page => text(20_480), big => text(3_000_000));

my $server = <<'CONF';
root html;
gzip on;
gzip_vary on;
location / { }
location /level9/ { alias html/; gzip_comp_level 9; }
location /tiny/ { alias html/; gzip_window 1k; gzip_hash 1k; gzip_buffers 4 8k; }
location /slow/ { alias html/; output_buffers 1 512; sendfile off; }
location /any/ { alias html/; gzip_types *; gzip_min_length 1k; }
location /http10/ { alias html/; gzip_http_version 1.0; }
location /agent/ { alias html/; gzip_disable msie6 "Foo"; gzip_disable "b.r"; }
location /off/ { alias html/; gzip off; if ($arg_on) { gzip on; } }
location /quiet/ { alias html/; gzip_vary off; }
location /text { default_type text/html; return 200 "0123456789012345678901234567890123456789"; }
location /none { default_type text/html; gzip_min_length 0; return 200 ""; }
location /401 { return 401; }
location /403 { return 403; }
location /404 { return 404; }
location /500 { return 500; }
location /301 { return 301 /; }
location /proxied/ { alias html/; }
location /proxied/any/ { alias html/; gzip_proxied any; }
location /proxied/expired/ { alias html/; gzip_proxied expired; expires $arg_e; }
location /proxied/cache/ {
    alias html/; gzip_proxied no-cache no-store private;
    expires $arg_e; add_header Cache-Control $arg_c;
}
location /proxied/etag/ { alias html/; gzip_proxied no_etag; }
location /proxied/noetag/ { alias html/; gzip_proxied no_etag; etag off; }
location /proxied/auth/ { alias html/; gzip_proxied expired auth; expires $arg_e; }
location /varies/ { alias html/; add_header Vary Cookie; add_header Vary Accept-Encoding; }
location /encoded/ { alias html/; add_header Content-Encoding br; }
location /static/ { alias html/; gzip off; gzip_static on; }
location /folder/ { alias html/; gzip off; gzip_static on; gzip_vary off; }
location /always/ { alias html/; gzip off; gzip_static always; gzip_vary off; }
location /unpack/ { alias html/; gzip off; gzip_static always; gunzip on; gunzip_buffers 4 8k; }
location /both/ { alias html/; gzip_static always; gunzip on; }
CONF

my $t = Test::Weir->new(name => 'gzip');
$t->write_file("html/$_.html", $files{$_}) for keys %files;
$t->write_file('html/page.txt', $files{page});
$t->write_file('html/page.html.gz', packed("$files{page}packed"));
$t->write_file('html/only.html.gz', packed('only'));
$t->write_file('html/members.html.gz', packed('first ') . packed('') . packed('second'));
$t->write_file('html/zeros.html.gz', packed("\0" x 3_000_000));
$t->write_file('html/broken.html.gz', packed($files{page}) . 'rubbish');
$t->write_file('html/noise.html.gz', 'this is no gzip at all');
$t->write_file('html/short.html.gz', substr packed($files{page}), 0, 800);
mkdir $t->dir . '/html/page.txt.gz';
$t->write_conf(<<"CONF");
worker_processes 1;
events { }
http {
    types { text/html html; text/plain txt; }
    log_format ratio '\$uri \$gzip_ratio';
    server { listen 127.0.0.1:%%PORT%%; access_log logs/ratio.log ratio;\n$server }
}
CONF
$t->start;

# --- whether it is done -------------------------------------------------------------------------

# name, path, what comes, Vary, headers; "differs" and why.
my $vary = 'Accept-Encoding';
my @rows = (
    ['a page', '/page.html', 'gzip', $vary, @gz],
    ['nobody asked', '/page.html', 'none', $vary],
    ['another type', '/page.txt', 'none', undef, @gz],
    ['a short body', '/small.html', 'none', undef, @gz],
    ['one that is long enough', '/twenty.html', 'gzip', $vary, @gz],
    ['a text', '/text', 'gzip', $vary, @gz],
    ['nothing', '/none', 'gzip', $vary, @gz],
    ['every type', '/any/page.txt', 'gzip', $vary, @gz],
    ['its own length', '/any/twenty.html', 'none', undef, @gz],
    ['off', '/off/page.html', 'none', undef, @gz],
    ['on by if', '/off/page.html?on=1', 'gzip', $vary, @gz],
    ['no Vary', '/quiet/page.html', 'gzip', undef, @gz],
    ['status 401', '/401', 'none', undef, @gz], ['status 403', '/403', 'gzip', $vary, @gz],
    ['status 404', '/404', 'gzip', $vary, @gz], ['status 500', '/500', 'none', undef, @gz],
    ['status 301', '/301', 'none', undef, @gz],
    (map { ["accepts $_->[0]", '/page.html', $_->[1], $vary, 'Accept-Encoding' => $_->[0],
            defined $_->[2] ? (differs => $_->[2]) : ()] }
        ['gzip;q=0', 'none'], ['gzip;q=0.000', 'none'], ['gzip;q=0.001', 'gzip'],
        ['gzip;q=1.0', 'gzip'], ['gzip;q=2', 'none'], ['gzip;q=1.001', 'none'],
        ['gzip;q=x', 'none'], ['gzip ; q=0.5', 'gzip'], ['GZIP', 'gzip'], ['gzipx', 'none'],
        ['agzip', 'none'], ['deflate, gzip', 'gzip'], ['identity,gzip', 'gzip'], ['br', 'none'],
        ['gzip, gzip;q=0', 'gzip'], ['gzip;q=0, gzip', 'none'], ['', 'none'], ['*', 'none'],
        ['*;q=0', 'none'], ['identity;q=0', 'none'], ['deflate;q=1.0,*;q=0.5', 'none'],
        ['gzip;q=0.5, identity;q=0.4, *;q=0', 'gzip'], [',,gzip,', 'gzip'],
        ['identity;q=0, *', 'gzip', 'nginx does not know "*"'],
        ['*;q=0.5, identity;q=0', 'gzip', 'nginx does not know "*"'],
        ['gzip;q=0.5, identity', 'none', 'nginx does not compare qualities'],
        ['x-gzip', 'gzip', 'nginx does not know the old name']),
    ['MSIE 6', '/agent/page.html', 'none', $vary, @gz, 'User-Agent' => 'x (MSIE 6.0; y)'],
    ['MSIE 5.5', '/agent/page.html', 'none', $vary, @gz, 'User-Agent' => 'MSIE 5.5'],
    ['MSIE 6 SV1', '/agent/page.html', 'gzip', $vary, @gz, 'User-Agent' => 'x (MSIE 6.0; SV1)'],
    ['MSIE 7', '/agent/page.html', 'gzip', $vary, @gz, 'User-Agent' => 'MSIE 7.0'],
    ['foo', '/agent/page.html', 'none', $vary, @gz, 'User-Agent' => 'xfooy'],
    ['bar', '/agent/page.html', 'none', $vary, @gz, 'User-Agent' => 'BAR/1'],
    ['baz', '/agent/page.html', 'gzip', $vary, @gz, 'User-Agent' => 'baz/1'],
    ['a proxy', '/proxied/page.html', 'none', $vary, @gz, @via],
    ['proxied any', '/proxied/any/page.html', 'gzip', $vary, @gz, @via],
    ['expired', "/proxied/expired/page.html?e=-1", 'gzip', $vary, @gz, @via],
    ['not yet expired', '/proxied/expired/page.html?e=1h', 'none', $vary, @gz, @via],
    ['no Expires at all', '/proxied/expired/page.html', 'gzip', $vary, @gz, @via],
    ['Expires counts before', '/proxied/cache/page.html?e=-1', 'none', $vary, @gz, @via],
    (map { ["Cache-Control: $_->[0]", "/proxied/cache/page.html?c=$_->[0]", $_->[1], $vary, @gz,
            @via] } ['no-cache', 'gzip'], ['No-Store', 'gzip'], ['private', 'gzip'],
        ['public,private', 'gzip'], ['max-age=1', 'none'], ['xprivatex', 'none']),
    ['no Cache-Control', '/proxied/cache/page.html', 'gzip', $vary, @gz, @via],
    ['an ETag', '/proxied/etag/page.html', 'none', $vary, @gz, @via],
    ['no ETag', '/proxied/noetag/page.html', 'gzip', $vary, @gz, @via],
    ['Authorization', '/proxied/auth/page.html?e=1h', 'gzip', $vary, @gz, @via,
        Authorization => 'Basic YTpi'],
    ['none', '/proxied/auth/page.html?e=1h', 'none', $vary, @gz, @via],
    ['static', '/static/page.html', 'gzip', $vary, @gz],
    ['static, not asked for', '/static/page.html', 'none', $vary],
    ['static, by a proxy', '/static/page.html', 'none', $vary, @gz, @via],
    ['static, none there', '/static/twenty.html', 'none', undef, @gz],
    ['static, a folder there', '/folder/page.txt', 'none', undef, @gz],
    ['static, always', '/always/page.html', 'gzip', undef],
    ['static, always asked', '/always/page.html', 'gzip', undef, @gz],
    ['static, nothing but it', '/static/only.html', 'gzip', $vary, @gz],
    ['unpacked', '/unpack/page.html', 'none', $vary],
    ['not unpacked', '/unpack/page.html', 'gzip', $vary, @gz],
    ['unpacked for a proxy', '/unpack/page.html', 'none', $vary, @gz, @via],
    ['plain anyway', '/unpack/twenty.html', 'none', undef],
    ['Vary once', '/varies/page.html', 'gzip', 'Cookie, Accept-Encoding', @gz,
        differs => 'nginx says it twice'],
    ['encoded already', '/encoded/page.html', 'br', undef, @gz,
        differs => 'nginx encodes it again'],
);
for my $row (@rows) {
    my ($name, $path, $coding, $vary_as, @headers) = @$row;
    my %headers = @headers;
    next if $headers{differs} && skipped($name, differs => $headers{differs});
    delete $headers{differs};
    my $answer = get($t->port, $path, %headers);
    my @varies = map { $_->[1] } grep { lc $_->[0] eq 'vary' } @{$answer->{headers}};
    is_deeply([coding($answer), @varies ? join(', ', @varies) : undef], [$coding, $vary_as], $name);
}

# --- what comes ---------------------------------------------------------------------------------

for my $path (qw(page.html level9/page.html tiny/page.html any/page.txt slow/page.html big.html
    slow/big.html twenty.html)) {
    my ($name) = $path =~ /(\w+)\.\w+$/;
    my $answer = get($t->port, "/$path", @gz);
    is(plain($answer), $files{$name}, "/$path comes out whole");
    ok(!exists $answer->{header}{$_}, "without $_") for qw(content-length accept-ranges);
    like($answer->{header}{etag}, qr/^W\/"/, 'with a weak ETag');
}
is(plain(get($t->port, '/none', @gz)), '', 'nothing comes out as nothing');
cmp_ok(length get($t->port, '/level9/page.html', @gz)->{body}, '<',
    length get($t->port, '/page.html', @gz)->{body}, 'level 9 is smaller');

{
    my $answer = request($t->port, 'HEAD', '/page.html', headers => [@gz]);
    is(coding($answer), 'gzip', 'HEAD');
    is($answer->{body}, '', 'without a body');
    $answer = get($t->port, '/page.html', @gz, Range => 'bytes=0-9');
    is($answer->{status}, 200, 'no parts of what is made');
    my $etag = get($t->port, '/page.html', @gz)->{header}{etag};
    $answer = get($t->port, '/page.html', @gz, 'If-None-Match' => $etag);
    is($answer->{status}, 304, 'a weak ETag is the same');
    is(coding($answer), 'none', '304 has no encoding');

    for my $pair (['/page.html', 'none'], ['/http10/page.html', 'gzip']) {
        my $raw = http($t->port, "GET $pair->[0] HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
        $raw = $raw->{raw} if ref $raw;
        my ($head, $body) = split /\r\n\r\n/, $raw, 2;
        my ($got) = $head =~ /^Content-Encoding: (\w+)/m;
        is($got // 'none', $pair->[1], "HTTP/1.0 $pair->[0]");
        is($got ? plain({body => $body}) : $body, $files{page}, 'whole');
    }
}

{
    my $conn = Test::Weir::Conn->new($t->port);
    my @paths = qw(page twenty big page twenty);
    my $rest = "HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
    $conn->write(join '', map { "GET /$_.html $rest" } @paths);
    is(plain($conn->read_response), $files{$_}, "$_ on one connection") for @paths;
    $conn->close;
    # Clients that go away while it is being made.
    for (1 .. 5) {
        my $gone = Test::Weir::Conn->new($t->port);
        $gone->write("GET /slow/big.html $rest");
        $gone->read_bytes(1000);
        $gone->reset;
    }
    is(plain(get($t->port, '/big.html', @gz)), $files{big}, 'others do not care');
}

# --- files that lie there, and what is unpacked ------------------------------------------------

{
    my $answer = get($t->port, '/static/page.html', @gz);
    is(plain($answer), "$files{page}packed", 'the .gz file');
    is($answer->{header}{'content-type'}, 'text/html', 'with the type of the other');
    is($answer->{header}{'content-length'}, length packed("$files{page}packed"), 'and its length');
    like($answer->{header}{etag}, qr/^"/, 'a strong ETag');
    is(get($t->port, '/static/page.html', @gz, Range => 'bytes=0-9')->{status}, 200, 'no ranges');
    is(get($t->port, '/static/page.html')->{body}, $files{page}, 'the file itself');
    is(get($t->port, '/static/only.html')->{status}, 404, 'which must be there');
    is(request($t->port, 'POST', '/static/page.html', headers => [@gz])->{status}, 405, 'POST');
    is(request($t->port, 'HEAD', '/static/page.html', headers => [@gz])->{header}
        {'content-length'}, length packed("$files{page}packed"), 'HEAD');

    for my $where (qw(unpack both)) {
        $answer = get($t->port, "/$where/page.html");
        is($answer->{body}, "$files{page}packed", "/$where: unpacked");
        ok(!exists $answer->{header}{'content-length'}, 'of no known length');
        like($answer->{header}{etag}, qr/^W\/"/, 'a weak ETag');
        is(get($t->port, "/$where/members.html")->{body}, 'first second', 'several members');
        is(get($t->port, "/$where/zeros.html")->{body}, "\0" x 3_000_000, 'much from little');
    }
    is(request($t->port, 'HEAD', '/unpack/page.html')->{body}, '', 'HEAD');

    for my $name (qw(broken short noise)) {
        my $conn = Test::Weir::Conn->new($t->port);
        $conn->write("GET /unpack/$name.html HTTP/1.1\r\nHost: a\r\n\r\n");
        unlike($conn->read_all, qr/\r\n0\r\n\r\n$/, "$name: not what looks complete");
        my $line = qr/\[error\] .*inflate\(\) .*$name\.html/;
        wait_for { $t->error_log =~ $line } 5, 'it is logged';
    }
    is(get($t->port, '/unpack/page.html')->{body}, "$files{page}packed", 'and it goes on');
}

# --- the ratio ----------------------------------------------------------------------------------

{
    get($t->port, '/twenty.html', @gz);
    my $last = qr/^\/twenty\.html [\d.]+\n\z/m;
    wait_for { $t->access_log('logs/ratio.log') =~ $last } 5, 'logged';
    my $log = $t->access_log('logs/ratio.log');
    like($log, qr/^\/page\.html [3-9]\.\d\d$/m, 'how much smaller');
    like($log, qr/^\/twenty\.html 0\.\d\d$/m, 'or larger');
    like($log, qr/^\/none 0\.00$/m, 'of nothing');
    like($log, qr/^\/page\.txt -$/m, 'not compressed');
    like($log, qr/^\/unpack\/page\.html -$/m, 'unpacked');
}
$t->stop;

# --- configuration ------------------------------------------------------------------------------

my %wrong = (
    'gzip_comp_level 0;' => 'value must be between 1 and 9',
    'gzip_comp_level 10;' => 'value must be between 1 and 9',
    'gzip_proxied x;' => 'invalid value "x"',
    'gzip_http_version 1.2;' => 'invalid value "1.2"',
    'gzip_min_length -1;' => '"gzip_min_length" directive invalid value',
    'gzip_static x;' => 'invalid value "x"',
    'gzip_window 64k;' => '"gzip_window" directive must be 512, 1k, 2k, 4k, 8k, 16k, or 32k',
    'gzip_window 1000;' => '"gzip_window" directive must be 512, 1k, 2k, 4k, 8k, 16k, or 32k',
    'gzip_hash 256;' =>
        '"gzip_hash" directive must be 512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k',
    'gzip on; gzip off;' => '"gzip" directive is duplicate',
    'gzip_disable "(";' => 'missing closing parenthesis',
    'if ($uri) { gzip_types a/b; }' => '"gzip_types" directive is not allowed here',
    'set $gzip_ratio x;' => 'the duplicate "gzip_ratio" variable',
);
for my $text (sort keys %wrong) {
    my $bad = Test::Weir->new(name => 'conf');
    $bad->write_conf("events { } http { server { listen 127.0.0.1:%%PORT%%;\n"
        . "location / { $text } } }");
    my $r = $bad->run_conf('-t');
    is($r->{status}, 1, $text);
    like($r->{err}, qr/\Q$wrong{$text}\E/, 'and why');
}
done_testing();
