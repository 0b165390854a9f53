# memcached_pass: a real memcached, then answers cut, broken and wrong.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend;
use Test::Weir::Conn;
use Test::Weir::Parts qw(memcached skip_without_part);

skip_without('memcached_pass');
skip_without_part('memcached');

my $t = Test::Weir->new(name => 'memcached');
my $variables = skipped('variables in memcached_pass', differs => 'nginx has none there') ? '' : <<'CONF';
        location /variable/ { set $memcached_key /a; set $to real; memcached_pass $to; }
        location /port/ { set $memcached_key /a; set $to 127.0.0.1; memcached_pass $to:%%PORT1%%; }
        location /no-port/ { set $memcached_key /a; set $to 127.0.0.1; memcached_pass $to; }
CONF
$t->write_conf(<<'CONF' =~ s/ +VARIABLES\n/$variables/r);
worker_processes 1;
events { }
error_log logs/error.log info;
http {
    upstream real { server 127.0.0.1:%%PORT1%%; keepalive 2; }
    upstream scripted { server 127.0.0.1:%%PORT2%%; keepalive 2; }
    upstream two { server 127.0.0.1:%%PORT2%% max_fails=0; server 127.0.0.1:%%PORT1%% max_fails=0; }
    default_type text/plain;
    types { text/html html; }
    server {
        listen 127.0.0.1:%%PORT%%;
        memcached_gzip_flag 2;
        memcached_read_timeout 2s;
        location / { set $memcached_key $uri; memcached_pass real; }
        location /key/ { set $memcached_key $arg_k; memcached_pass real; }
        location /address/ { set $memcached_key /a; memcached_pass 127.0.0.1:%%PORT1%%; }
        VARIABLES
        location /unset/ { memcached_pass real; }
        location /fallback/ {
            set $memcached_key $uri;
            memcached_pass real;
            error_page 404 502 = @fallback;
        }
        location @fallback { return 200 "not there: $memcached_key $upstream_status\n"; }
        location /scripted { set $memcached_key k; memcached_pass scripted; }
        location /down/ { set $memcached_key k; memcached_pass 127.0.0.1:1; }
        location /next/ {
            set $memcached_key /a;
            memcached_pass two;
            memcached_next_upstream error invalid_response not_found;
            add_header X-Status $upstream_status;
        }
    }
}
CONF
my $memcached = memcached($t, $t->port(1));
$t->start;

my $store = Test::Weir::Conn->new($t->port(1));

sub store
{
    my ($key, $flags, $value) = @_;

    $store->write("set $key $flags 0 " . length($value) . "\r\n$value\r\n");
    $store->read_until(qr/STORED\r\n/);
}

# --- what is there, and what is not --------------------------------------------------------------

my $tricky = "one\r\nEND\r\ntwo\0\xff\r\n";
my $large = join '', map { "line $_\r\nEND\r\n" } 1 .. 40_000;
store('/a', 0, "hello\n");
store('/page.html', 0, '<p>');
store('/empty', 0, '');
store('/tricky', 0, $tricky);
store('/large', 0, $large);
store('/packed', 2, 'not really gzip');
store('/other-flags', 5, 'plain');
store('/a%20b', 0, "a blank\n");
store('a%25b%0D%0Ac', 0, "escapes\n");

my $r = get($t->port, '/a');
is("$r->{status} $r->{body}", "200 hello\n", 'a value');
is($r->{header}{'content-type'}, 'text/plain', 'its type is the default');
is($r->{header}{'content-length'}, 6, 'its length');
is($r->{header}{'accept-ranges'}, 'bytes', 'parts of it may be asked for');
is(get($t->port, '/page.html')->{header}{'content-type'}, 'text/html', 'a type by the path');
$r = get($t->port, '/empty');
is("$r->{status} $r->{header}{'content-length'} $r->{body}", '200 0 ', 'an empty value');
is(get($t->port, '/tricky')->{body}, $tricky, 'a value that looks like its end');
ok(get($t->port, '/large')->{body} eq $large, 'a large one');
$r = get($t->port, '/packed');
is($r->{header}{'content-encoding'}, 'gzip', 'the flag says gzip');
is(get($t->port, '/other-flags')->{header}{'content-encoding'}, undef, 'other flags do not');
is(get($t->port, '/a%20b')->{body}, "a blank\n", 'a blank in a key is escaped');
is(get($t->port, '/key/?k=a%b')->{status}, 404, 'so is a percent sign');
is(get($t->port, '/address/')->{body}, "hello\n", 'an address');
if ($variables) {
    is(get($t->port, "/$_/")->{body}, "hello\n", "a $_ of variables") for qw(variable port);
    is(get($t->port, '/no-port/')->{status}, 500, 'an address without a port');
    wait_for { $t->error_log =~ /no port in upstream "127.0.0.1"/ } undef, 'it was logged';
}

$r = get($t->port, '/none');
is($r->{status}, 404, 'what is not there is 404');
like($r->{body}, qr/404 Not Found/, 'with the page of the server');
is(get($t->port, '/fallback/x')->{body}, "not there: /fallback/x 404\n", 'error_page answers instead');
$r = request($t->port, 'HEAD', '/a');
is("$r->{status} $r->{header}{'content-length'}", '200 6', 'HEAD');
is(request($t->port, 'POST', '/a', body => 'x')->{status}, 405, 'POST is not allowed');
$r = get($t->port, '/large', Range => 'bytes=5-8,');
is($r->{status}, 416, 'a broken range');
$r = get($t->port, '/a', Range => 'bytes=1-2');
is("$r->{status} $r->{header}{'content-range'} $r->{body}", '206 bytes 1-2/6 el', 'a range');
is(get($t->port, '/a')->{body}, "hello\n", 'after it as before');
is(get($t->port, '/unset/')->{status}, 500, 'no key');
is(get($t->port, '/down/')->{status}, 502, 'nobody listens');
wait_for { $t->error_log =~ /the "\$memcached_key" variable is not set/ } undef, 'it was logged';
wait_for { $t->error_log =~ /key: "\/none" was not found by memcached/ } undef, 'and that';

# --- answers --------------------------------------------------------------------------------------

my $backend = Test::Weir::Backend->new($t->port(2), [\'hang']);
my $good = "VALUE k 0 5\r\nhello\r\nEND\r\n";

sub scripted
{
    my (@steps) = @_;

    $backend->script([qr/\r\n/, @steps]);
    return get($t->port, '/scripted');
}

is(scripted($good)->{body}, 'hello', 'from a script');
is(($backend->requests)[0]{raw}, "get k\r\n", 'what it was asked');
is(scripted(map { ($_, \'taken') } split //, $good)->{body}, 'hello', 'byte by byte');
is(scripted("EN", \'taken', "D\r\n")->{status}, 404, 'nothing there, in two pieces');

for my $case (
    ['another key', "VALUE x 0 5\r\n", 'invalid key in response "VALUE x 0 5" for key "k"'],
    ['a longer key', "VALUE kk 0 5\r\n", 'invalid response: "VALUE kk 0 5"'],
    ['flags that are none', "VALUE k x 5\r\n", 'invalid flags in response "VALUE k x 5" for key "k"'],
    ['two blanks', "VALUE k  0 5\r\n", 'invalid flags in response'],
    ['no length', "VALUE k 0\r\n", 'invalid response: "VALUE k 0"'],
    ['a length below 0', "VALUE k 0 -5\r\n", 'invalid length in response "VALUE k 0 -5"'],
    ['a length that is too long', 'VALUE k 0 ' . 9 x 25 . "\r\n", 'invalid length in response'],
    ['a unique number behind it', "VALUE k 0 5 7\r\n", 'invalid length in response'],
    ['no CR', "VALUE k 0 5\n", 'invalid response: "VALUE k 0 5"'],
    ['an error', "ERROR\r\n", 'invalid response: "ERROR"'],
    ['an error of the server', "SERVER_ERROR out of memory\r\n",
        'invalid response: "SERVER_ERROR out of memory"'],
    ['an error of ours', "CLIENT_ERROR bad\r\n", 'invalid response: "CLIENT_ERROR bad"'],
    ['another protocol', "HTTP/1.1 400 Bad Request\r\n\r\n", 'invalid response: "HTTP/1.1 400'],
    ['an empty line', "\r\n", 'invalid response: ""'],
) {
    my ($name, $bytes, $log) = @$case;
    is(scripted($bytes)->{status}, 502, $name);
    wait_for { $t->error_log =~ /memcached sent \Q$log\E/ } undef, "$name: logged";
}
is(scripted('VALUE ' . 'x' x 100_000)->{status}, 502, 'a line without end');
is(scripted(substr($good, 0, 7), \'close')->{status}, 502, 'it closes in its line');
is(scripted(\'close')->{status}, 502, 'it closes at once');

$r = scripted("VALUE k 0 5\r\nhel", \'close');
ok($r->{error}, 'a value that breaks off is not whole');
scripted("VALUE k 0 5\r\nhelloXXEND\r\n");
wait_for { $t->error_log =~ /memcached sent invalid trailer/ } undef, 'a wrong end is logged';

# --- connections ----------------------------------------------------------------------------------

$backend->script([qr/\r\n/, $good], [qr/\r\n/, "END\r\n"], [qr/\r\n/, $good]);
is(join(' ', map { get($t->port, '/scripted')->{status} } 1 .. 3), '200 404 200', 'three requests');
is(scalar($backend->connections), 1, 'on one connection');
$backend->script([qr/\r\n/, "ERROR\r\n"], [qr/\r\n/, "VALUE k 0 5\r\nhello\r\nENDXX"],
    [qr/\r\n/, "$good$good"], [qr/\r\n/, $good]);
get($t->port, '/scripted') for 1 .. 4;
is(scalar($backend->connections), 4, 'none is used again when something was wrong');

$backend->script([qr/\r\n/, "END\r\n"]);
my %seen = map { $_ => 1 } map { get($t->port, '/next/')->{header}{'x-status'} } 1 .. 4;
ok($seen{'404, 200'}, 'another server is asked for what is not there');
$backend->script([qr/\r\n/, "ERROR\r\n"]);
%seen = map { $_ => 1 } map { get($t->port, '/next/')->{header}{'x-status'} } 1 .. 4;
ok($seen{'502, 200'}, 'or when the answer is wrong');

$backend->stop;
$t->stop('QUIT');
done_testing();
