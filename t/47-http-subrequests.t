# Subrequests: the order of their output, slow readers, clients that leave, errors inside, what
# they see.  Pages with server-side includes, add_before_body and auth_request make them.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

sub include { return join '', map { qq{<!--#include virtual="$_"-->} } @_ }

my $t = Test::Weir->new(name => 'subrequests');
my $size = 1_000_000;
my %large = map { $_ => $_ x $size } 'a' .. 'c';
$t->write_file("html/large/$_", $large{$_}, raw => 1) for keys %large;
$t->write_file('html/small/x', 'small');
my %page = (
    order => '1' . include('/large/a', '/small/x') . '2' . include('/nested') . '3' . include('/large/b'),
    nested => '(' . include('/small/x', '/large/c', '/text') . ')',
    edges => include('/text', '/none', '/nothing', '/text'),
    deep => '<' . include('/deep') . '>',
    waits => '<!--#include virtual="/large/a" wait="yes"-->|' . include('/small/x'),
    keeps => '<!--#include virtual="/nested_text" set="v"--><!--#echo var="v"-->.',
    nested_text => 'kept text',
    seen => include('/seen/inner?x=y'),
    post => include('/seen/post'),
    error => 'a' . include('/fails') . 'b' . include('/moved') . 'c' . include('/paged') . 'd',
    silent => 'a' . include('/silent') . 'b',
    shows => include('/denied/part'),
    limited => include('/small/x', '/large/a'),
    wide => include('/small/x') x 300,
);
$t->write_file("html/$_", $page{$_}, raw => 1) for keys %page;
$t->write_file('html/nothing', '');
$t->write_file('html/denied/part', 'part');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    default_type text/html;
    log_subrequest on;
    log_format seen "$uri $status $request_method";
    access_log logs/seen.log seen;
    large_client_header_buffers 4 8k;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT1%% sndbuf=8k;
        set $outer "set";
        ssi on;
        ssi_value_length 1k;
        location /large/ { ssi off; }
        location /large/c { ssi on; }
        location = /text { return 200 "text"; }
        location /seen/ {
            return 200 "$uri|$args|$arg_x|$request_uri|$request_method|$http_own|$outer|$is_args|$document_uri";
        }
        location = /fails { return 500; }
        location = /moved { return 301 /x; }
        location = /paged { return 404; error_page 404 /seen/page; }
        location = /silent { return 444; }
        location /denied/ { deny all; }
        location = /limited { limit_rate 100m; }
        location = /around { add_before_body /large/a; add_after_body /nested; return 200 "body"; }
        location = /named { error_page 404 =200 @named; return 404; }
        location @named { add_before_body /small/x; return 200 "named"; }
        location = /asks { auth_request /allows; try_files /order =404; }
        location = /asked { auth_request /forbids; try_files /order =404; }
        location = /allows { return 204; }
        location = /forbids { return 403; }
        location = /post { error_page 405 =200 /post; }
        location = /cycle { add_before_body /cycle1; return 200 "end"; }
        location = /cycle1 { rewrite ^ /cycle2; }
        location = /cycle2 { rewrite ^ /cycle1; }
        location /sub/ { alias html/; sub_filter small SMALL; sub_filter_once off; }
    }
}
CONF
$t->start;
my $nested = "(small$large{c}text)";
my $ordered = "1$large{a}small2${nested}3$large{b}";

# Bodies are large: only whether they are the same is told.
sub same {
    my ($got, $want, $name) = @_;
    ok($got eq $want, $name) or diag(length($got) . ' bytes, not ' . length $want);
}

same(get($t->port, '/order')->{body}, $ordered, 'everything has its place');
same(get($t->port, '/around')->{body}, "$large{a}body$nested", 'before and after a body');
same(get($t->port, '/waits')->{body}, "$large{a}|small", 'one waits for the other');
same(get($t->port, '/asks')->{body}, $ordered, 'after one that was asked for its outcome');
is(get($t->port, '/asked')->{status}, 403, 'an outcome against it');
is(get($t->port, '/keeps')->{body}, 'kept text.', 'one whose text is kept');
is(get($t->port, '/wide')->{body}, 'small' x 300, 'many');
is(get($t->port, '/named')->{body}, 'smallnamed', 'in a named location');
is(get($t->port, '/shows')->{body}, 'part', 'what may be seen as a part of another');
same(get($t->port, '/limited')->{body}, "small$large{a}", 'below a rate');
is(get($t->port, '/sub/keeps')->{body}, 'kept text.', 'through another filter');

my $edges = get($t->port, '/edges')->{body};
like($edges, qr/\Atext<html>.*404 Not Found.*<\/html>\r\ntext\z/s, 'the first and the last thing of a page');
my $error = get($t->port, '/error')->{body};
like($error, qr/\Aa<html>.*500 Internal.*<\/html>\r\nb<html>.*301 Moved.*<\/html>\r\nc\/seen\/page\|.*d\z/s,
    'errors are parts like others');
like(get($t->port, '/cycle')->{body}, qr/\A<html>.*500 Internal Server Error.*<\/html>\r\nend\z/s,
    'a cycle of rules inside');

# --- what they see ------------------------------------------------------------------------------

is(get($t->port, '/seen?a=b', Own => 'field')->{body},
    '/seen/inner|x=y|y|/seen?a=b|GET|field|set|?|/seen/inner', 'variables inside');
is(request($t->port, 'POST', '/post', headers => [Own => 'field'], body => 'text')->{body},
    '/seen/post|||/post|GET|field|set||/seen/post', 'after a POST');

# --- no body ------------------------------------------------------------------------------------

{
    my $c = Test::Weir::Conn->new($t->port);
    $c->write("HEAD /order HTTP/1.1\r\nHost: x\r\n\r\nHEAD /around HTTP/1.1\r\nHost: x\r\n\r\n"
        . "GET /keeps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    my $all = $c->read_all;
    is(() = $all =~ /HTTP\/1\.1 200 OK/g, 3, 'HEAD: three answers');
    like($all, qr/\r\n\r\nHTTP.*\r\n\r\nHTTP.*kept text\./s, 'HEAD: without a body');
    unlike($all, qr/aaa|small/, 'HEAD: nothing of the parts');
}

# --- many answers on a connection ---------------------------------------------------------------

{
    my $c = Test::Weir::Conn->new($t->port);
    $c->write(join '', map { "GET /$_ HTTP/1.1\r\nHost: x\r\n\r\n" } qw(keeps named wide keeps));
    my @got = map { $c->read_response->{body} } 1 .. 4;
    is_deeply(\@got, ['kept text.', 'smallnamed', 'small' x 300, 'kept text.'], 'one behind the other');
}

# --- deep ones ----------------------------------------------------------------------------------

is(get($t->port, '/deep')->{body},
    '<' x 52 . '[an error occurred while processing the directive]' . '>' x 52, 'not deeper than 51');
like($t->error_log, qr/subrequests cycle while processing "\/deep"/, 'that is logged');

# --- slow readers -------------------------------------------------------------------------------

# A sanitizer keeps what was freed.
my $told = !on_oracle() && !$ENV{ASAN_OPTIONS};

sub memory {
    my ($pid) = $t->worker_pids;
    open my $f, '<', "/proc/$pid/status" or return 0;
    return (join('', <$f>) =~ /VmData:\s+(\d+)/)[0];
}

{
    my $before = memory();
    my @c = map { Test::Weir::Conn->new($t->port(1)) } 1 .. 8;
    for my $c (@c) {
        $c->write("GET /order HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        $c->read_until(qr/aaaa/);
    }
    wait_for { get($t->port, '/keeps')->{status} == 200 } 5, 'others are answered meanwhile';
    cmp_ok(memory() - $before, '<', 8 * 512, 'memory does not grow with what waits') if $told;
    $c[$_]->close for 1 .. 7;
    my $rest = $c[0]->read_all;
    ok($rest =~ /b{1000}\r\n0\r\n\r\n\z/, 'the slow one gets all of it');
}

# --- clients that leave -------------------------------------------------------------------------

sub leave {
    my ($path, $how) = @_;
    my $c = Test::Weir::Conn->new($t->port(1));
    $c->write("GET /$path HTTP/1.1\r\nHost: x\r\n\r\n");
    $c->read_until(qr/HTTP\/1\.1 200/) if $how eq 'close';
    $c->$how;
}

{
    my ($before, @paths) = (0, qw(order nested around waits wide limited keeps deep));
    for my $round (1 .. 40) {
        $before = memory() if $round == 10;
        for my $path (@paths) {
            leave($path, $_) for qw(close reset);
        }
    }
    is(get($t->port, '/keeps')->{body}, 'kept text.', 'after clients that left');
    cmp_ok(memory() - $before, '<', 6144, 'nothing of theirs is kept') if $told;
}

# --- one that breaks off ------------------------------------------------------------------------

my $broken = http($t->port, "GET /silent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
ok($broken !~ /\r\n0\r\n\r\n\z/, 'one that is closed silently closes all of it');
is(get($t->port, '/keeps')->{body}, 'kept text.', 'and only that');

# --- logs ---------------------------------------------------------------------------------------

$t->stop('QUIT');
my $log = $t->access_log('logs/seen.log');
like($log, qr/^\/denied\/part 200 GET\n\/shows 200 GET$/m, 'log_subrequest: its line comes first');
like($log, qr/^\/none 404 GET$/m, 'log_subrequest: its own status');

done_testing();
