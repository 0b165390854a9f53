# brotli and zstd beside gzip: which one comes, and that bodies come out whole.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);

skip_file(differs => 'nginx has neither brotli nor zstd');

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

sub coding { return $_[0]{header}{'content-encoding'} // 'none' }

my %files = (twenty => text(20), page => text(20_480), big => text(3_000_000), nothing => '');

my $conf = <<'CONF';
worker_processes 1;
events { }
http {
    types { text/html html; text/plain txt; }
    log_format ratio '$uri gzip=$gzip_ratio br=$brotli_ratio zstd=$zstd_ratio';
    server {
        listen 127.0.0.1:%%PORT%%;
        access_log logs/ratio.log ratio;
        root html;
        gzip_vary on;
        location / { gzip on; brotli on; zstd on; }
        location /br/ { alias html/; brotli on; brotli_window 4k; brotli_buffers 32 4k; }
        location /best/ {
            alias html/;
            brotli on; brotli_comp_level 11; brotli_min_length 0; brotli_types text/plain;
            zstd on; zstd_comp_level 22; zstd_min_length 0; zstd_types *;
        }
        location /slow/ { alias html/; brotli on; zstd on; output_buffers 1 512; sendfile off; }
        location /if/ { alias html/; if ($arg_z) { zstd on; } }
        location /static/ { alias html/; gzip_static on; brotli_static on; zstd_static on; }
        location /always/ { alias html/; brotli_static always; gzip_static on; gzip on; }
        location /mixed/ { alias html/; gzip_static on; zstd on; brotli on; }
    }
}
CONF

my $t = Test::Weir->new(name => 'encoding');
$t->write_file("html/$_.html", $files{$_}) for keys %files;
$t->write_file('html/page.txt', $files{page});
gzip(\'in gzip' => \my $packed) or die 'cannot compress';
$t->write_file('html/page.html.gz', $packed);
$t->write_file('html/page.html.br', 'in br');
$t->write_file('html/page.html.zst', 'in zstd');
$t->write_file('html/twenty.html.gz', $packed);
$t->write_file('html/page.txt.br', 'text in br');
$t->write_conf($conf);

my $check = $t->run_conf('-t');
plan(skip_all => 'built without their libraries') if $check->{err} =~ /not built into weir/;
$t->start;

# --- which one ----------------------------------------------------------------------------------

my $browser = 'gzip, deflate, br, zstd';
my $vary = 'Accept-Encoding';
my @rows = (
    (map { ["/page.html", $_->[0], $_->[1], $vary] }
        [$browser, 'zstd'], ['gzip, deflate, br', 'br'], ['gzip', 'gzip'], ['', 'none'],
        ['gzip;q=1.0, br;q=0.9, zstd;q=0.8', 'gzip'], ['zstd;q=0, br;q=0, gzip;q=0.1', 'gzip'],
        ['zstd;q=0.5, identity', 'none'], ['identity;q=0', 'none'], ['*', 'none'],
        ['identity;q=0, *', 'zstd'], ['identity;q=0, zstd;q=0, *;q=0.1', 'br'],
        ['br;q=0.5, zstd;q=0.5', 'zstd'], ['BR', 'br']),
    ['/br/page.html', $browser, 'br', $vary], ['/br/page.html', 'gzip, zstd', 'none', $vary],
    ['/page.txt', $browser, 'none', undef], ['/best/page.txt', $browser, 'zstd', $vary],
    ['/best/page.txt', 'br', 'br', $vary], ['/best/nothing.html', $browser, 'zstd', $vary],
    ['/nothing.html', $browser, 'none', undef],
    ['/if/page.html', $browser, 'none', undef], ['/if/page.html?z=1', $browser, 'zstd', $vary],
    ['/static/page.html', $browser, 'zstd', $vary], ['/static/page.html', 'gzip, br', 'br', $vary],
    ['/static/page.html', 'gzip, br;q=0.9', 'gzip', $vary],
    ['/static/page.html', '', 'none', $vary], ['/static/twenty.html', $browser, 'gzip', $vary],
    ['/static/twenty.html', 'br, zstd', 'none', $vary],
    ['/static/page.txt', $browser, 'br', $vary], ['/static/big.html', $browser, 'none', undef],
    ['/always/page.html', '', 'br', $vary], ['/always/page.html', 'gzip', 'gzip', $vary],
    ['/always/page.html', 'gzip;q=0.5, br', 'br', $vary],
    ['/always/twenty.html', '', 'none', $vary], ['/always/big.html', 'gzip', 'gzip', $vary],
    ['/mixed/page.html', $browser, 'gzip', $vary], ['/mixed/page.html', 'br', 'br', $vary],
    ['/mixed/big.html', $browser, 'zstd', $vary],
);
for my $row (@rows) {
    my ($path, $accept, $coding, $vary_as) = @$row;
    my $answer = get($t->port, $path, 'Accept-Encoding' => $accept);
    my @varies = map { $_->[1] } grep { lc $_->[0] eq 'vary' } @{$answer->{headers}};
    is_deeply([coding($answer), @varies ? join(', ', @varies) : undef], [$coding, $vary_as],
        "$path for \"$accept\"");
}
{
    my $via = get($t->port, '/page.html', 'Accept-Encoding' => 'gzip', Via => '1.1 proxy');
    is(coding($via), 'none', 'gzip_proxied is about gzip');
    $via = get($t->port, '/page.html', 'Accept-Encoding' => $browser, Via => '1.1 proxy');
    is(coding($via), 'zstd', 'and about nothing else');
    my $two = http($t->port, "GET /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        . "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n\r\n");
    $two = $two->{raw} if ref $two;
    like($two, qr/^Content-Encoding: br\r$/m, 'two fields are one list');
    my $static = get($t->port, '/static/page.html', 'Accept-Encoding' => 'zstd');
    is($static->{body}, 'in zstd', 'the file beside it');
    is($static->{header}{'content-type'}, 'text/html', 'with the type of the other');
}

# --- what comes ---------------------------------------------------------------------------------

# The standard output of a program that reads the bytes; undef when there is no such program.
sub piped
{
    my ($bytes, @program) = @_;

    $t->write_file('packed', $bytes);
    my $path = $t->dir . '/packed';
    open my $from, '-|', 'sh', '-c', "exec @program <'$path' 2>/dev/null" or return;
    binmode $from;
    local $/;
    my $text = <$from>;
    close $from;
    return $text;
}

sub fetched
{
    my ($path) = @_;

    open my $from, '-|', 'curl', '-s', '--compressed', '-H', 'Accept-Encoding: br',
        'http://127.0.0.1:' . $t->port . $path or return;
    binmode $from;
    local $/;
    my $text = <$from>;
    close $from;
    return $text;
}

my $has_zstd = (piped('', 'zstd', '-V') // '') =~ /zstd/i;
my $has_brotli = (piped('', 'curl', '-V') // '') =~ /\bbrotli\b/;

for my $path (qw(/page.html /big.html /best/page.txt /slow/big.html /slow/page.html /twenty.html
    /best/nothing.html)) {
    my ($name) = $path =~ /(\w+)\.\w+$/;
    SKIP: {
        skip 'no zstd to unpack with', 3 unless $has_zstd;
        my $answer = get($t->port, $path, 'Accept-Encoding' => 'zstd');
        is(coding($answer), 'zstd', "zstd $path");
        ok(!exists $answer->{header}{'content-length'}, 'of no known length');
        is(piped($answer->{body}, 'zstd', '-dc'), $files{$name}, 'comes out whole');
    }
}
for my $path (qw(/page.html /big.html /br/page.html /br/big.html /best/page.txt /slow/big.html
    /twenty.html)) {
    my ($name) = $path =~ /(\w+)\.\w+$/;
    SKIP: {
        skip 'no curl that unpacks brotli', 2 unless $has_brotli;
        is(coding(get($t->port, $path, 'Accept-Encoding' => 'br')), 'br', "br $path");
        is(fetched($path), $files{$name}, 'comes out whole');
    }
}
{
    my $conn = Test::Weir::Conn->new($t->port);
    my @order = ('br', 'zstd', 'gzip', 'zstd', 'br', 'gzip');
    $conn->write(join '', map { "GET /big.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: $_\r\n\r\n" }
            @order);
    is(coding($conn->read_response), $_, "$_ on one connection") for @order;
    $conn->close;
    # Clients that go away while it is being made.
    for my $accept (qw(br zstd br zstd)) {
        my $gone = Test::Weir::Conn->new($t->port);
        $gone->write("GET /slow/big.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: $accept\r\n\r\n");
        $gone->read_bytes(1000);
        $gone->reset;
    }
    my $head = request($t->port, 'HEAD', '/page.html', headers => ['Accept-Encoding' => 'br']);
    is(coding($head), 'br', 'HEAD');
    is($head->{body}, '', 'without a body');
}

# --- the ratios ---------------------------------------------------------------------------------

get($t->port, '/twenty.html', 'Accept-Encoding' => $_) for qw(gzip br zstd);
my $last = qr/^\/twenty\.html gzip=- br=- zstd=0\.\d\d\n\z/m;
wait_for { $t->access_log('logs/ratio.log') =~ $last } 5, 'logged';
my $log = $t->access_log('logs/ratio.log');
like($log, qr/^\/page\.html gzip=- br=\d+\.\d\d zstd=-$/m, 'of brotli');
like($log, qr/^\/page\.html gzip=- br=- zstd=\d+\.\d\d$/m, 'of zstd');
like($log, qr/^\/page\.html gzip=\d+\.\d\d br=- zstd=-$/m, 'of gzip');
$t->stop;

# --- configuration ------------------------------------------------------------------------------

my %wrong = (
    'brotli_comp_level 12;' => 'value must be between 0 and 11',
    'zstd_comp_level 0;' => 'value must be between 1 and 22',
    'zstd_comp_level 23;' => 'value must be between 1 and 22',
    'brotli_window 3k;' => '"brotli_window" directive must be a power of two from 1k to 16m',
    'brotli_window 32m;' => '"brotli_window" directive must be a power of two from 1k to 16m',
    'brotli_static x;' => 'invalid value "x"',
    'zstd_static x;' => 'invalid value "x"',
);
for my $text (sort keys %wrong) {
    my $bad = Test::Weir->new(name => 'conf');
    $bad->write_conf("events { } http { server { listen 127.0.0.1:%%PORT%%; $text } }");
    my $r = $bad->run_conf('-t');
    is($r->{status}, 1, $text);
    like($r->{err}, qr/\Q$wrong{$text}\E/, 'and why');
}
done_testing();
