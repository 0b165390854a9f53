# slice: what the server is asked for, what the client gets, and slices that do not go together.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);

skip_without('slice');

my $t = Test::Weir->new(name => 'slice');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
error_log logs/error.log info;
http {
    log_format range '$uri "$slice_range" $upstream_status';
    server {
        listen 127.0.0.1:%%PORT%%;
        slice 30;
        access_log logs/access.log range;
        proxy_http_version 1.1;
        proxy_set_header Connection close;
        proxy_set_header Range $slice_range;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; add_header X-Range "[$slice_range]"; }
        location /off { slice 0; proxy_pass http://127.0.0.1:%%PORT1%%;
            add_header X-Range "[$slice_range]"; }
        location /large { slice 64k; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location ~ ^/old/(.*) { rewrite ^/old/(.*)$ /new/$1 break;
            proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /local/ { alias %%DIR%%/html/; }
        location /most { max_ranges 0; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /sub { sub_filter 0005 changed; sub_filter_types *;
            proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /whole-forced { proxy_force_ranges on; proxy_pass http://127.0.0.1:%%PORT1%%; }
    }
}
CONF
$t->write_file('html/file.txt', join '', map { sprintf '%04d ', $_ } 0 .. 19);
$t->start;

my %bodies = (
    '/large' => join('', map { sprintf '%07d,', $_ } 0 .. 99_999),
    default => join('', map { sprintf '%04d ', $_ } 0 .. 19),
);

# What a server answers: a hash of what is to be different can be given.
sub origin
{
    my (%change) = @_;

    return sub {
        my ($request) = @_;
        my $body = $bodies{$request->{uri}} // $bodies{default};
        my $size = length $body;
        my ($from, $to) = ($request->{header}{range} // '') =~ /^bytes=(\d+)-(\d+)$/;
        my @common = (ETag => '"one"', 'Content-Type' => 'text/x');
        return answer(200, $body, @common) if !defined $from || $request->{uri} =~ /whole/;
        return answer(416, '', 'Content-Range' => "bytes */$size") if $from >= $size;
        $to = $size - 1 if $to >= $size;
        my %answer = (status => 206, range => "bytes $from-$to/$size", etag => '"one"',
            body => substr($body, $from, $to - $from + 1));
        %answer = (%answer, %change) if $from >= ($change{from} // 0);
        return answer($answer{status}, $answer{body},
            defined $answer{range} ? ('Content-Range' => $answer{range}) : (),
            defined $answer{etag} ? (ETag => $answer{etag}) : (), 'Content-Type' => 'text/x');
    };
}

my $backend = Test::Weir::Backend->new($t->port(1), origin());

# Asks, and lists the ranges that the server was asked for.
sub ask
{
    my ($uri, @headers) = @_;

    $backend->script(origin());
    my $r = get($t->port, $uri, @headers);
    return ($r, join ' ', map { ($_->{header}{range} // 'all') =~ s/bytes=//r } $backend->requests);
}

# --- the whole, and parts of it ------------------------------------------------------------------

my ($r, $asked) = ask('/a');
is("$r->{status} $r->{body}", "200 $bodies{default}", 'all of it');
is($asked, '0-29 30-59 60-89 90-119', 'in slices');
is($r->{header}{'content-length'}, 100, 'its length is known');
is($r->{header}{'content-range'}, undef, 'it is no part');
is($r->{header}{'accept-ranges'}, 'bytes', 'parts may be asked for');
is($r->{header}{etag}, '"one"', 'its tag');
is($r->{header}{'x-range'}, '[bytes=0-29]', '$slice_range is that of the first slice');

for my $case (
    ['0-9', '0-9', '0-29', 'within a slice'],
    ['30-59', '30-59', '30-59', 'one slice'],
    ['29-30', '29-30', '0-29 30-59', 'over the edge'],
    ['35-70', '35-70', '30-59 60-89', 'over two slices'],
    ['95-', '95-99', '90-119', 'to the end'],
    ['99-99', '99-99', '90-119', 'the last byte'],
    ['0-', '0-99', '0-29 30-59 60-89 90-119', 'all of it as a range'],
    ['50-1000', '50-99', '30-59 60-89 90-119', 'more than there is'],
    ['-5', '95-99', '0-29 90-119', 'a suffix: the size has to be known first'],
    ['-35', '65-99', '0-29 60-89 90-119', 'a longer suffix'],
) {
    my ($range, $got, $slices, $name) = @$case;
    my ($from, $to) = split /-/, $got;
    ($r, $asked) = ask('/a', Range => "bytes=$range");
    is("$r->{status} " . ($r->{header}{'content-range'} // ''), "206 bytes $got/100", $name);
    is($r->{body}, substr($bodies{default}, $from, $to - $from + 1), "$name: bytes");
    is($asked, $slices, "$name: slices");
}
($r, $asked) = ask('/a', Range => 'bytes=200-');
is("$r->{status} $r->{header}{'content-range'} $asked", '416 bytes */100 180-209',
    'behind the end: the server says so');
($r, $asked) = ask('/a', Range => 'bytes=x');
is("$r->{status} $r->{header}{'content-range'}", '416 bytes */100', 'no range');
($r) = ask('/a', Range => 'bytes=5-6,50-60');
is("$r->{status} $r->{body}", "200 $bodies{default}", 'several ranges are the whole');
($r) = ask('/a', Range => 'bytes=50-60', 'If-Range' => '"one"');
is("$r->{status} $r->{body}", '206 ' . substr($bodies{default}, 50, 11), 'If-Range that holds');
($r) = ask('/a', Range => 'bytes=50-60', 'If-Range' => '"two"');
is("$r->{status} $r->{body}", "200 $bodies{default}", 'If-Range that does not');

if (!skipped('a part that cannot be given', differs => 'nginx gives a wrong whole')) {
    for my $range ('bytes=50-60,5-6', 'bytes=50-60,90-95') {
        ($r) = ask('/a', Range => $range);
        is("$r->{status} $r->{body}", "200 $bodies{default}", "$range: the whole, from its start");
    }
    ($r) = ask('/most', Range => 'bytes=50-60');
    is("$r->{status} $r->{body}", "200 $bodies{default}", 'max_ranges 0');
    ($r) = ask('/sub', Range => 'bytes=50-60');
    is("$r->{status} $r->{body}", '200 ' . $bodies{default} =~ s/0005/changed/r,
        'a filter that changes bytes');
}

# --- other answers, places, methods --------------------------------------------------------------

($r, $asked) = ask('/whole');
is("$r->{status} $r->{body} $asked", "200 $bodies{default} 0-29", 'a server without ranges');
($r, $asked) = ask('/whole', Range => 'bytes=35-40');
is("$r->{status} $r->{body} $asked", "200 $bodies{default} 30-59", 'whatever was asked for');
($r, $asked) = ask('/whole-forced', Range => 'bytes=35-40');
is("$r->{status} $r->{body}", '206 ' . substr($bodies{default}, 35, 6), 'proxy_force_ranges');
($r, $asked) = ask('/off', Range => 'bytes=35-40');
is("$r->{status} $asked $r->{header}{'x-range'}", '200 all []', 'slice 0');
($r) = ask('/local/file.txt', Range => 'bytes=35-40');
is("$r->{status} $r->{body}", '206 ' . substr($bodies{default}, 35, 6), 'files are not concerned');
($r, $asked) = ask('/old/file?a=b');
is($r->{body}, $bodies{default}, 'behind a rewrite');
is(join(' ', map { $_->{uri} } $backend->requests), join(' ', ('/new/file?a=b') x 4),
    'every slice is of the new path');
$backend->script(origin());
$r = request($t->port, 'HEAD', '/a');
is("$r->{status} $r->{header}{'content-length'}", '200 100', 'HEAD');
$r = request($t->port, 'HEAD', '/a', headers => [Range => 'bytes=35-70']);
is("$r->{status} $r->{header}{'content-length'} $r->{header}{'content-range'}",
    '206 36 bytes 35-70/100', 'HEAD of a part');
is(scalar($backend->requests), 2, 'each is one request');
$backend->script(answer(404, 'not here'));
is(get($t->port, '/a')->{body}, 'not here', 'an error is passed on');

($r, $asked) = ask('/large');
ok($r->{body} eq $bodies{'/large'}, 'a large one');
is(scalar(split ' ', $asked), 13, 'in 13 slices');
($r) = ask('/large', Range => 'bytes=100000-700000');
ok($r->{body} eq substr($bodies{'/large'}, 100_000, 600_001), 'a large part of it');

# --- slices that do not go together ---------------------------------------------------------------

for my $case (
    ['another tag', 'etag mismatch in slice response', from => 30, etag => '"two"'],
    ['no tag any more', 'etag mismatch in slice response', from => 60, etag => undef],
    ['another range', 'unexpected range in slice response: 31-60', from => 30,
        range => 'bytes 31-59/100'],
    ['the whole instead', 'unexpected status code 200 in slice response', from => 30,
        status => 200],
    ['an error', 'unexpected status code 404 in slice response', from => 60, status => 404],
    ['no size', 'no complete length in slice response', from => 30, range => 'bytes 30-59/*'],
    ['no range', 'invalid range in slice response', from => 30, range => undef],
) {
    my ($name, $log, %change) = @$case;
    $backend->script(origin(%change));
    $r = get($t->port, '/a');
    ok($r->{error} || $r->{raw} eq '', "later $name: the answer breaks off");
    wait_for { $t->error_log =~ /\Q$log\E/ } undef, "$name: logged";
}
for my $case (
    ['another range', 'unexpected range in slice response: 1-30', range => 'bytes 1-29/100'],
    ['too short a range', 'unexpected range in slice response: 0-29', range => 'bytes 0-28/100'],
    ['no range', 'invalid range in slice response', range => undef],
    ['no size', 'no complete length in slice response', range => 'bytes 0-29/*'],
) {
    my ($name, $log, %change) = @$case;
    $backend->script(origin(%change));
    $r = get($t->port, '/a');
    is($r->{status}, 502, "$name at first: 502")
        unless skipped($name, differs => 'nginx closes the connection');
    wait_for { $t->error_log =~ /\Q$log\E/ } undef, "$name: logged";
}
if (!skipped('another length', differs => 'nginx waits for the missing bytes')) {
    $backend->script(origin(body => 'abc'));
    is(get($t->port, '/a')->{status}, 502, 'a length that is not that of the range');
    $backend->script(origin(from => 30, body => 'abc'));
    ok(get($t->port, '/a')->{error}, 'the same later');
}
if (!skipped('another size', differs => 'nginx does not compare it')) {
    $backend->script(origin(from => 30, range => 'bytes 30-59/200'));
    ok(get($t->port, '/a')->{error}, 'another size later');
}

$backend->stop;
$t->stop('QUIT');
done_testing();
