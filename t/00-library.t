# The test library itself: its parsers, and that every way of failing really fails. What must fail
# runs in a perl of its own, and its output is looked at here.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Socket;
use Test::Weir::Backend qw(answer);
use Test::Weir::Blocks;
use Test::Weir::Conf;
use Test::Weir::Conn;
use Test::Weir::Dns;
use Test::Weir::Parts;
use Test::Weir::Port;
use Test::Weir::Util qw(alive slurp spew);
use Test::Weir::WebSocket;

my $scratch = tempdir('weir-library-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $scratch;

# --- pure parts -----------------------------------------------------------------------------------

subtest 'configuration reader' => sub {
    my $text = <<'END';
# daemon on;
user "no body";
events { use epoll; worker_connections 64; }
env 'A=b;c{';
http {   # a comment with a }
    server { listen 127.0.0.1:8001; listen [::1]:8002 ssl; listen 8003 quic; listen unix:/s; }
    log_format x '{' "}" $a${b}c;
    access_log off;
}
stream { server { listen 8004 udp; listen 8005; } }
END
    my @all = Test::Weir::Conf::directives($text);
    is(join(' ', map { "$_->{parent}:$_->{name}" } @all),
        ':user :events events:use events:worker_connections :env :http http:server'
        . ' http/server:listen http/server:listen http/server:listen http/server:listen'
        . ' http:log_format http:access_log :stream stream:server stream/server:listen'
        . ' stream/server:listen', 'all directives with their places');
    is(substr($text, $all[4]{start}, $all[4]{end} - $all[4]{start}), q(env 'A=b;c{';), 'extent');
    is_deeply($all[11]{args}, ['x', '{', '}', '$a${b}c'], 'quoted and variable words');
    is(Test::Weir::Conf::value($text, 'user'), 'no body', 'value of a main directive');
    is(Test::Weir::Conf::value($text, 'daemon'), undef, 'a comment is no directive');
    is_deeply([Test::Weir::Conf::listen_targets($text)], [qw(/s 8001 8002 8005)], 'addresses');
    is(Test::Weir::Conf::globals($text, 1),
        'daemon off; pid logs/weir.pid; error_log logs/error.log info;', 'all is given by -g');
    is(Test::Weir::Conf::globals("pid p; error_log stderr;\n$text", 0), '',
        'nothing is given twice');
    my $empty = Test::Weir::Conf::bootstrap($text);
    like($empty, qr/\Auser "no body";\nenv 'A=b;c\{';\nevents \{ use epoll; \}\nhttp \{ \}\n\z/,
        'empty');
    my $oracle = Test::Weir::Conf::oracle_text($text);
    like($oracle, qr/^http \{ client_body_temp_path .*# a comment/m, 'paths on the line of http');
    unlike($oracle, qr/access_log logs/, 'no second access log');
    is_deeply([Test::Weir::Conf::directives('a b; c { d')], [
        {name => 'a', args => ['b'], parent => '', start => 0, end => 4},
        {name => 'c', args => [], parent => '', start => 5, end => 8, open => 8},
    ], 'a broken text gives what was whole');
};

sub parse_error
{
    my ($text) = @_;

    eval { Test::Weir::Blocks::parse($text, 'FILE', 1) };
    return $@ =~ s/ at \S+ line \d+\.\n\z//r;
}

subtest 'scenario reader' => sub {
    my @blocks = Test::Weir::Blocks::parse(<<'END', 'FILE', 1);
--- since: 1.25
=== one
what it is about
--- config
a;

\--- b

--- request: GET /
--- response_body eval
"x" x 3
=== two
--- raw_request
A
--- raw_request chomp
B
--- response_body:
END
    is($blocks[0]{name}, 'one', 'name');
    is($blocks[0]{where}, 'FILE:2', 'line');
    is($blocks[0]{since}, '1.25', 'a mark of the whole file');
    is($blocks[0]{config}, "a;\n\n--- b\n", 'long value, escaped line, blank lines at the end');
    is($blocks[0]{request}, 'GET /', 'short value');
    is($blocks[0]{response_body}, 'xxx', 'value of an expression');
    is_deeply($blocks[1]{raw_request}, ["A\n", "B\n"], 'a section that repeats');
    is($blocks[1]{response_body}, '', 'empty value');
    is(parse_error("=== a\n--- request\nx\n--- nonsense\n"), 'FILE:4: unknown section "nonsense"',
        'unknown');
    is(parse_error("=== a\n--- request: a\n--- request: b\n"),
        'FILE:3: section "request" is given twice', 'twice');
    is(parse_error("=== a\n--- request: a\nb\n"), 'FILE:3: text after a section of one line',
        'stray text');
    like(parse_error("=== a\n---request\n"), qr/^FILE:2: not a section/, 'no blank');
    is(parse_error("===\n"), 'FILE:1: a block needs a name', 'no name');
    is(parse_error("--- config\n"), 'FILE:1: "config" can only stand in a block',
        'section before a block');
    like(parse_error("=== a\n--- request eval\n1 +\n"), qr/^FILE:2: syntax error/,
        'bad expression');
    is(Test::Weir::Blocks::unescape("a\\r\\n\n\\x41\\\\\\0"), "a\r\nA\\\0", 'escapes');
    ok(!eval { Test::Weir::Blocks::unescape('\q') }, 'unknown escape');
};

# A connection whose other end is in our hand.
sub pair
{
    socketpair my $near, my $far, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!";
    return (Test::Weir::Conn->from_handle($near, timeout => 0.2), $far);
}

sub response_of
{
    my ($bytes, %opt) = @_;
    my ($conn, $far) = pair();

    syswrite $far, $bytes;
    close $far unless $opt{open};
    my $r = $conn->read_response(%opt);
    return wantarray ? ($r, $conn) : $r;
}

subtest 'responses' => sub {
    my ($r, $conn) = response_of("HTTP/1.1 200 OK\r\nA: 1\r\nb:2 \r\na: 3\r\n"
        . "Content-Length: 2\r\n\r\nxyz");
    is_deeply([@$r{qw(version status reason body error)}], ['1.1', 200, 'OK', 'xy', undef],
        'plain');
    is_deeply($r->{headers}, [['A', 1], ['b', 2], ['a', 3], ['Content-Length', 2]],
        'headers in order');
    is($r->{header}{a}, '1, 3', 'headers by name');
    ok(!$conn->eof, 'a byte too many is no end');
    is($conn->read_all, 'z', 'the byte');
    ok($conn->eof, 'the end');

    $r = response_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nL: x\r\n\r\n"
        . "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n", open => 1);
    is($r->{body}, 'abc0123456789', 'chunked body');
    is_deeply($r->{trailers}, [['T', 'v']], 'trailers');
    is_deeply([map { $_->{status} } @{$r->{early}}], [100, 103], '1xx before it');
    is(response_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        method => 'HEAD', open => 1)->{error},
        undef, 'HEAD');
    is(response_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", open => 1)->{error},
        undef, 'status 304');
    is(response_of("HTTP/1.0 200 OK\r\n\r\nto the end")->{body}, 'to the end', 'body by closing');

    my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    my %bad = (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc" => 'only 3 of 5 bytes',
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" => 'bad Content-Length x',
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            => 'both Transfer-Encoding and Content-Length',
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" => 'unknown transfer coding gzip',
        "${chunked}xyz\r\n" => 'bad chunk size',
        "${chunked}3\r\nabcd\r\n" => 'no line end after a chunk',
        "${chunked}3\r\nab" => 'chunked body ends too early',
        "${chunked}0\r\n" => 'trailers end too early',
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n" => 'no HTTP response head',
        "plain text" => 'no HTTP response head',
    );
    is(response_of($_)->{error}, $bad{$_}, "refused: $bad{$_}") for sort keys %bad;
    is(response_of('HTTP/1.1 200 OK', open => 1)->{error}, 'no HTTP response head',
        'half a head in time');
    like(response_of("HTTP/1.1 200 OK\r\n\r\nx", open => 1)->{error}, qr/not ended by closing/,
        'no end');
    is(response_of(''), undef, 'nothing');
};

subtest 'connections' => sub {
    my ($conn, $far) = pair();
    ok(!$conn->eof, 'silence is no end');
    ok($conn->quiet, 'quiet');
    is($conn->read_until(qr/\n/), undef, 'time-out of read_until');
    syswrite $far, "one\ntwo\nrest";
    is($conn->read_until(qr/\n/), "one\n", 'up to the first match');
    ok(!$conn->quiet, 'bytes that wait are not quiet');
    is($conn->read_bytes(2), 'tw', 'some bytes');
    is($conn->read_all, "o\nrest", 'what came in time');
    is($conn->state, 'open', 'and the state tells that it was not the end');
    ok($conn->write('x' x 10), 'write');
    ok(!$conn->write('x' x 10_000_000), 'write to a peer that does not read');
    close $far;
    ok(!$conn->write('x'), 'write to a closed peer neither works nor kills');
    ok(!eval { Test::Weir::Conn->new(Test::Weir::Port->lease->number) }, 'nobody listens');
};

subtest 'ports' => sub {
    my @leases = map { Test::Weir::Port->lease } 1 .. 50;
    my %numbers = map { $_->number => 1 } @leases;
    is(keys %numbers, 50, 'no port is given twice');
    my $taken = $leases[0]->number;
    ok(Test::Weir::Port::_bindable($taken), 'a leased port is free');
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$taken", Listen => 1)
        or die "bind: $!";
    ok(!Test::Weir::Port::_bindable($taken), 'one with a listener is not');
    # The lock must hold against another process, in a range without choice.
    my ($locked, $free) = map { $leases[$_]->number } 1, 2;
    $leases[2] = undef;
    my $code = "no warnings; *Test::Weir::Port::_range = sub { (\@ARGV) };"
        . ' print eval { Test::Weir::Port->lease->number } // q(none)';
    my @perl = ($^X, "-I$FindBin::Bin/lib", '-MTest::Weir::Port', '-e', $code);
    my $lease = sub { open my $out, '-|', @perl, @_ or die; local $/; return scalar <$out> };
    is($lease->($locked, $locked), 'none', 'another process does not get a leased port');
    is($lease->($free, $free), $free, 'but one that was given back');
};

# --- child runs -----------------------------------------------------------------------------------

my ($nginx) = grep { defined && -x } $ENV{WEIR_ORACLE}, '/usr/sbin/nginx';
my ($weir) = grep { defined && -x } $ENV{WEIR_BINARY}, "$FindBin::Bin/../objs/weir";
my %clean = map { $_ => undef }
    qw(WEIR_ORACLE WEIR_RELOAD WEIR_KEEP WEIR_BLOCK WEIR_FILE_TIMEOUT);
my %program = defined $nginx ? (WEIR_ORACLE => $nginx) : (WEIR_BINARY => $weir);

# Runs a test file in a perl of its own: {status, out}; `while` gets its pid after the first line
# that says "ready".
sub run_child
{
    my ($text, %env) = @_;
    my $while = delete $env{while};
    my $file = "$scratch/child.t";
    local %ENV = (%ENV, %clean, %env);
    delete @ENV{grep { !defined $ENV{$_} } keys %ENV};

    spew($file, $text);
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec $^X, "-I$FindBin::Bin/lib", $file or POSIX::_exit(127);
    }
    my $all = '';
    while (my $line = <$out>) {
        $all .= $line;
        $while->($pid) if $while && $line =~ /ready/;
    }
    close $out;
    return {status => $? & 127 ? 128 + ($? & 127) : $? >> 8, out => $all};
}

sub blocks { return "use Test::Weir;\nrun_tests();\n__DATA__\n$_[0]" }

subtest 'marks of the oracle run' => sub {
    my $fake = "$scratch/nginx";
    spew($fake, "#!/bin/sh\necho 'nginx version: nginx/1.22.1' >&2\n");
    chmod 0755, $fake;
    my $r = run_child(blocks(<<'END'), WEIR_ORACLE => $fake);
=== newer
--- since: 1.22.2
--- config
a;
--- request: GET /
=== another
--- since: 1.23
--- request: GET /
=== different
--- differs: better so
--- request: GET /
END
    is($r->{status}, 0, 'status') or diag($r->{out});
    like($r->{out}, qr/^# oracle: skipped 3 \(since 2, differs 1\) in \S+child\.t$/m, 'count');
    like($r->{out}, qr/^# oracle: skip: \S+: newer \(\S+:1?\d\): since 1\.22\.2$/m,
        'name and version');
    like($r->{out}, qr/^# oracle: skip: \S+: different .*: differs: better so$/m,
        'name and reason');
    is(() = $r->{out} =~ /^ok \d+ # skip oracle/mg, 3, 'skipped, not passed');

    $r = run_child(<<'END', WEIR_ORACLE => $fake);
use Test::Weir;
ok(!skipped('old', since => '1.22.1'), 'old enough');
ok(!skipped('older', since => '0.8'), 'older');
ok(skipped('plain', differs => 'why'), 'left out');
ok(!eval { skipped('x', wrong => 1) }, 'unknown mark');
done_testing();
END
    is($r->{status}, 0, 'status') or diag($r->{out});
    like($r->{out}, qr/^# oracle: skipped 1 \(since 0, differs 1\)/m, 'count');

    $r = run_child("use Test::Weir; skip_file(since => '1.30'); die;", WEIR_ORACLE => $fake);
    like($r->{out}, qr/^1\.\.0 # SKIP oracle, since 1\.30$/m, 'a whole file');
    like($r->{out}, qr/^# oracle: skipped 1 \(since 1, differs 0\)/m, 'is counted');
    $r = run_child("use Test::Weir; skip_file(since => '9'); ok(!skipped('a', differs => 'b'));"
        . ' done_testing();');
    is($r->{status}, 0, 'no mark counts without an oracle') or diag($r->{out});
    unlike($r->{out}, qr/# oracle/, 'and nothing is reported');
};

subtest 'failures that need no server' => sub {
    my $r = run_child('use Test::Weir; wait_for { 0 } 0.1, "godot"; done_testing();');
    like($r->{out}, qr/^not ok 1 - waited in vain for godot$/m, 'wait_for');
    is($r->{status}, 1, 'status');
    $r = run_child('use Test::Weir; is(wait_for { 5 } 1, "five"; 5); done_testing();');
    isnt($r->{status}, 0, 'a test that does not compile');
    $r = run_child('use Test::Weir; my $t = Test::Weir->new; $t->write_conf("%%NOPE%%");');
    like($r->{out}, qr/unknown placeholder %%NOPE%%/, 'unknown placeholder');
    isnt($r->{status}, 0, 'status');
    $r = run_child('use Test::Weir; my $t = Test::Weir->new; $t->write_file("../x", "");');
    like($r->{out}, qr/bad file name/, 'a file outside');
    $r = run_child('use Test::Weir; my $t = Test::Weir->new;'
        . 'my $r = $t->run_cli({timeout => 0.2}, 30);'
        . 'is($r->{status}, "timeout"); is_deeply([$t->_left], []); done_testing();',
        WEIR_BINARY => '/bin/sleep');
    is($r->{status}, 0, 'a run that hangs is ended') or diag($r->{out});
    $r = run_child('use Test::Weir; my $t = Test::Weir->new;'
        . '$t->run_cli("-c",
            "echo runtime error: x >&2"); done_testing();', WEIR_BINARY => '/bin/sh');
    like($r->{out}, qr/^not ok 1.*runtime error/m, 'a sanitizer report of a short run');
    $r = run_child('use Test::Weir; pass("x"); sleep 20;', WEIR_FILE_TIMEOUT => 1);
    is($r->{status}, 142, 'the limit of a file');
    $r = run_child('use Test::Weir; Test::Weir->new->start;', WEIR_BINARY => '/nonexistent');
    like($r->{out}, qr/is no program: build first/, 'no binary');
    $r = run_child(blocks("=== a\n--- config\n--- response_body: x\n"));
    like($r->{out}, qr/a block does one of/, 'a block that asks for nothing');
    $r = run_child(blocks("=== a\n--- request: GET /\n"));
    like($r->{out}, qr/the first block needs a configuration/, 'no configuration');
};

# --- the other ends -------------------------------------------------------------------------------

subtest 'backends' => sub {
    my ($port, $path) = (Test::Weir::Port->lease, "$scratch/backend.sock");
    my $backend = Test::Weir::Backend->new($port->number, answer(200, "one\n"),
        [\'head', "HTTP/1.1 200 OK\r\nContent-", \'taken', "Length: 3\r\n\r\n", \'go', 'abc'],
        sub { answer(201, "$_[0]{method} $_[0]{body}") });
    my $open = sub { Test::Weir::Conn->new($port->number, timeout => 5) };
    my $conn = $open->();
    $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    is($conn->read_response->{body}, "one\n", 'the first answer');
    is(($backend->requests)[0]{line}, 'GET / HTTP/1.1', 'and what was asked');
    $conn->write("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    like($conn->read_until(qr/\r\n\r\n/), qr/Length: 3/, 'an answer to a head');
    like($backend->received(1), qr/\r\n\r\na\z/, 'part of a body');
    is(scalar $backend->requests, 1, 'is no request yet');
    $conn->write('bc');
    is(($backend->wait_for_requests(2))[1]{body}, 'abc', 'the whole is');
    $backend->go;
    is($conn->read_bytes(3), 'abc', 'go on');
    for (1, 2) {
        $conn->write("PUT /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            . "3;a=b\r\nxyz\r\n0\r\nT: v\r\n\r\n");
        is($conn->read_response->{body}, 'PUT xyz', 'a sub, the last answer stays');
    }
    is_deeply([map { $_->{connection} } $backend->requests], [1, 1, 1, 1], 'one connection');
    $conn->close;
    is($backend->wait_closed(1), 'eof', 'the peer closes');
    $conn = $open->();
    wait_for { $backend->connections == 2 } 5, 'another connection';
    $conn->reset;
    is($backend->wait_closed(2), 'reset', 'the peer resets');

    $backend->script([\'connect', 'hello', qr/bye\n/, \'go', \'reset']);
    $conn = $open->();
    is($conn->read_bytes(5), 'hello', 'a new script, that speaks first');
    $conn->write("bye\n");
    ok($conn->quiet, 'it waits');
    $backend->go(1);
    ok($conn->eof, 'the end');
    is($conn->state, 'reset', 'by a reset');
    is(join('|', map { $_->{raw} } $backend->requests), "bye\n", 'a request that is no HTTP');
    is(($backend->connections)[0]{closed}, 'us', 'its own doing');

    $backend->script([\5, 'five', \'half']);
    $conn = $open->();
    $conn->write('1234');
    ok($conn->quiet, 'four bytes are not five');
    $conn->write('5');
    is($conn->read_all, 'five', 'five are');
    is($conn->state, 'eof', 'a half-close');
    $conn->close;
    is($backend->wait_closed(1), 'eof', 'the other half');

    $backend->script([\'connect', \'deaf', \'go', "HTTP/1.0 200 OK\r\n\r\nlate", \'close']);
    $conn = $open->();
    $conn->write("GET / HTTP/1.0\r\n\r\n");
    wait_for { $backend->connections == 1 } 5, 'a connection';
    is($backend->received(1), '', 'a deaf backend');
    $backend->go;
    is($conn->read_response->{body}, 'late', 'hears again');

    $backend->script([\'head', "up\n", {stream => sub {
        my $line = ${$_[0]} =~ s/\A(.*\n)// ? $1 : return;
        return (uc $line, $line eq "end\n" ? \'close' : ());
    }}]);
    $conn = $open->();
    $conn->write("GET / HTTP/1.1\r\n\r\nfir");
    is($conn->read_until(qr/\n/), "up\n", 'a stream');
    $conn->write("st\n");
    is($conn->read_until(qr/\n/), "FIRST\n", 'an echo');
    $conn->write("end\n");
    is($conn->read_all, "END\n", 'its end');

    my $other = Test::Weir::Backend->new($path, [map({ ($_, \'taken') } split //,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
    $conn = Test::Weir::Conn->new($path, timeout => 5);
    $conn->write("GET / HTTP/1.0\r\n\r\n");
    is($conn->read_response->{status}, 200, 'byte by byte over a socket');
    undef $other;
    ok(!-e $path, 'the socket goes');
    $backend->refuse;
    ok(!eval { $open->() }, 'refused');
    $backend->overflow;
    ok(!eval { Test::Weir::Conn->new($port->number, timeout => 0.2) }, 'no place');
    $backend->script(answer(204, ''));
    is(get($port->number, '/')->{status}, 204, 'a place again');
    my $pid = $backend->{pid};
    undef $backend;
    ok(!alive($pid), 'the child goes');
};

sub ask_dns
{
    my ($port, $name, $type) = @_;
    my $query = pack('n6', 77, 0x0100, 1, 0, 0, 0)
        . join('', map { pack 'C/a*', $_ } split(/\./, $name)) . pack 'Cnn', 0, $type, 1;
    my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => "127.0.0.1:$port") or die $!;

    send $socket, $query, 0;
    return unless IO::Select->new($socket)->can_read($_[3] // limit);
    recv $socket, my $answer, 65_535, 0;
    my ($id, $flags, undef, $count) = unpack 'n4', $answer;
    return sprintf '%d %d%s %d %s', $id, $flags & 15, $flags & 0x200 ? 'tc' : '', $count,
        unpack 'H*', substr $answer, length $query;
}

subtest 'name server' => sub {
    my $port = Test::Weir::Port->lease;
    my $dns = Test::Weir::Dns->new($port->number);
    my @ask = ($port->number, 'a.test');
    is(ask_dns(@ask, 1), '77 3 0 ', 'an empty table');
    $dns->set('A.test', [A => '127.0.0.1', 30], [AAAA => '::1'], [SRV => '1 2 80 b.test']);
    my $name = '0161' . '0474657374' . '00';
    is(ask_dns(@ask, 1), "77 0 1 ${name}000100010000001e00047f000001", 'an address');
    is(ask_dns(@ask, 28), "77 0 1 ${name}001c00010000003c0010" . '0' x 31 . '1', 'a longer one');
    is(ask_dns(@ask, 33), "77 0 1 ${name}002100010000003c000e000100020050" . ($name =~ s/61/62/r),
        'a service');
    is(ask_dns(@ask, 16), '77 0 0 ', 'none of that type');
    $dns->set('b.test', [CNAME => 'a.test', 1]);
    like(ask_dns($ask[0], 'b.test', 1), qr/^77 0 2 /, 'another name for it');
    $dns->faults({rcode => 2, first => 1}, {id => 1, first => 1}, {tc => 1, for => 'b.test'},
        {drop => 1});
    is(ask_dns(@ask, 1), '77 2 0 ', 'an error');
    like(ask_dns(@ask, 1), qr/^21784 0 1 /, 'another id');
    is(ask_dns($ask[0], 'b.test', 1), '77 0tc 0 ', 'too long for UDP');
    is(ask_dns(@ask, 1, 0.2), undef, 'silence');
    $dns->faults;
    $dns->forget('a.test');
    is(ask_dns(@ask, 1), '77 3 0 ', 'forgotten');
    is(scalar $dns->queries, 11, 'all queries');
    is(($dns->queries)[3], 'udp SRV a.test', 'are kept') or diag(join "\n", $dns->queries);
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ask[0]") or die $!;
    syswrite $socket, pack 'n/a*', pack('n6', 1, 0, 1, 0, 0, 0) . "\1b\4test\0\0\1\0\1";
    ok(IO::Select->new($socket)->can_read(limit), 'an answer over TCP');
    is(($dns->wait_for_queries(12))[-1], 'tcp A b.test', 'a query over TCP');
};

subtest 'web sockets' => sub {
    my $port = Test::Weir::Port->lease;
    my $backend = Test::Weir::Backend->new($port->number,
        Test::Weir::WebSocket::echo(Test::Weir::WebSocket::frame('text', 'early')));
    is(Test::Weir::WebSocket::_accept_key('dGhlIHNhbXBsZSBub25jZQ=='),
        's3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'the key of the standard');
    my $client = Test::Weir::WebSocket->new($port->number, '/');
    ok($client->open, 'the upgrade');
    is($client->receive->{payload}, 'early', 'what came with it');
    for my $length (0, 1, 125, 126, 65_535, 65_536, 200_001) {
        my $data = substr 'abcdefg' x (1 + $length / 7), 0, $length;
        $client->send(binary => $data);
        my $frame = $client->receive;
        ok($frame->{payload} eq $data && $frame->{name} eq 'binary', "$length bytes");
    }
    $client->send(text => 'a', more => 1);
    is($client->receive->{more}, 1, 'not the last');
    $client->send(ping => 'p');
    is(join(' ', @{$client->receive}{qw(name payload masked)}), 'pong p 0', 'pong');
    $client->send(close => pack 'n', 1000);
    is($client->receive->{name}, 'close', 'close');
    ok($client->conn->eof, 'the end');
    ok(!Test::Weir::WebSocket->new($port->number, '/', headers => [Upgrade => 'x'])->open,
        'no upgrade');
};

subtest 'parts' => sub {
    if (defined Test::Weir::Parts::find_part('memcached')) {
        my $server = Test::Weir->new;
        my $part = Test::Weir::Parts::memcached($server, $server->port);
        my $pid = $part->pid;
        my $conn = Test::Weir::Conn->new($server->port);
        $conn->write("set a 0 0 3\r\nabc\r\nget a\r\n");
        is($conn->read_until(qr/END\r\n/), "STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\n", 'memcached');
        undef $part;
        ok(!alive($pid), 'goes with its object');
    }
    my $r = run_child('use Test::Weir; use Test::Weir::Parts;'
        . ' Test::Weir::Parts::skip_without_part("nothing-such"); die;');
    like($r->{out}, qr/^1\.\.0 # SKIP not installed: nothing-such/m, 'a missing part');
};

unless (defined $nginx || defined $weir) {
    diag('neither weir nor nginx is there: only the parts without a server were tested');
    done_testing();
    exit;
}

my $conf = 'location / { return 200 "body\n"; } location /sub/ { root html; }';

subtest 'a scenario that passes' => sub {
    my $text = blocks(<<'END');
=== first
Words about it.
--- http_config
server { listen unix:%%DIR%%/sock; return 200 "unix"; }
--- config
location / { return 200 "body %%PORT%% $http_x_one $request_method\n"; }
location /files/ { root html; }
location = /gone { return 444; }
--- user_files
>>> files/a.txt 0644 @1700000000
text
>>> "files/with blank" eval
"no line end"
--- request
PUT /?%%PORT%% HTTP/1.1
X-One: 1

hello
--- response_headers_like
Content-Type: text/.*
--- response_body
body %%PORT%% 1 PUT
--- access_log_like
"PUT /\?%%PORT%% HTTP
--- no_error_log
[error]

=== files of the block before are there for a server that starts again
--- user_files
>>> files/b.txt
more
--- keepalive_requests
GET /files/a.txt
~~~
GET /files/b.txt
~~~
GET /files/with%20blank
~~~
GET /files/none
--- error_code: 200 200 200 404
--- response_headers
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
~~~
!Nothing
~~~
Content-Length: 11
~~~
Content-Type: text/html
--- response_body_like
^text$
~~~
^more$
~~~
^no line end$
~~~
404
--- response_body_unlike: nowhere
--- error_log
/failed \(2: No such file or directory\)/

=== an answer that does not come
--- request: GET /gone
--- error_code: none

=== a backend, whatever is asked of it
--- request: GET /
--- tcp_reply: x
--- tcp_query:

=== bytes
--- raw_request: GET /files/a.txt HTTP/1.0\r\n
--- raw_request: \r\n
--- raw_response_like
^HTTP/1\.1 200 OK\r\n.*\r\n\r\ntext\n$

=== a good configuration
--- full_config
events { }
--- conf_ok

=== a bad one
--- full_config
events { }
nonsense on;
--- conf_error
[emerg] unknown directive "nonsense" in %%CONF%%:2
/^%%NAME%%: /

=== its own wish for root
--- config
location / { return 204; }
--- skip_unless_root
--- request: GET /
--- error_code: 204
END
    for my $reload (undef, 1) {
        my $r = run_child($text, %program, WEIR_RELOAD => $reload);
        is($r->{status}, 0, 'status' . ($reload ? ' of a reload run' : '')) or diag($r->{out});
    }
    my $r = run_child($text, %program, WEIR_BLOCK => 'good');
    is(() = $r->{out} =~ /^ok/mg, 1, 'one block only') or diag($r->{out});
    if ($> == 0) {
        $r = run_child($text =~ s/^run_tests/require Test::Weir::Blocks; \$> = 65534; run_tests/mr,
            %program, WEIR_BLOCK => 'wish');
        like($r->{out}, qr/^ok 1 # skip its own wish .*needs root/m, 'skip_unless_root');
    }
};

# Name, block, and what the failure says.
my @failures = (
    ['body', "--- request: GET /\n--- response_body: other", qr/not ok \d+ - body$/m],
    ['long body', "--- request: GET /\n--- response_body eval\n'x' x 5000",
        qr/expected 5000; the first/m],
    ['body pattern', "--- request: GET /\n--- response_body_like: ^BODY", qr/not ok \d+ - body$/m],
    ['body unlike', "--- request: GET /\n--- response_body_unlike: bod",
        qr/not ok \d+ - body unlike$/m],
    ['status', "--- request: GET /\n--- error_code: 404", qr/expected: '404'/m],
    ['default status', '--- request: GET /sub/none', qr/expected: '200'/m],
    ['header', "--- request: GET /\n--- response_headers\nContent-Length: 1",
        qr/header Content-Length$/m],
    ['absent header', "--- request: GET /\n--- response_headers\n!Date", qr/no header Date$/m],
    ['header twice', "--- request: GET /\n--- response_headers\nDate: x\nDate: x",
        qr/header Date$/m],
    ['header pattern', "--- request: GET /\n--- response_headers_like\nServer: w",
        qr/header Server$/m],
    ['missing header', "--- request: GET /\n--- response_headers_like\nNo: .", qr/\(absent\)/m],
    ['bytes', "--- request: GET /\n--- raw_response_like: nowhere", qr/bytes of the answer$/m],
    ['error log', "--- request: GET /\n--- error_log\nabsent", qr/error log has absent$/m],
    ['access log', "--- request: GET /\n--- access_log_like\nabsent", qr/access log has absent$/m],
    ['no error log', "--- request: GET /sub/x\n--- error_code: 404\n--- no_error_log\nfailed \\(2",
        undef],
    ['no error', "--- request: GET /sub/x\n--- error_code: 404\n--- no_error_log\nfailed (2",
        qr/error log has no failed \(2$/m],
    ['open', "--- request: GET /\n--- connection: open", qr/connection is open/m],
    ['closed', "--- request\nGET /\nConnection: keep-alive\n--- connection: closed",
        qr/connection is closed/m],
    ['an answer', "--- request: GET /\n--- error_code: none", qr/not ok \d+ - no answer$/m],
    ['too few', "--- raw_request: GET / HTTP/1.0\\r\\n\\r\\n\n--- error_code: 200 200",
        qr/answer 2: no/m],
    ['parts', "--- pipelined_requests\nGET /\n~~~\nGET /\n~~~\nGET /\n--- response_body\na\n~~~\nb",
        qr/response_body has 2 parts for 3 answers/m],
    ['no query', "--- request: GET /\n--- tcp_reply: x\n--- tcp_query: y",
        qr/not ok \d+ - requests at the backend$/m],
    ['no such query', "--- request: GET /\n--- tcp_reply: x\n--- tcp_query_like: y",
        qr/not ok \d+ - request 1 at the backend$/m],
    ['no such field', "--- request: GET /\n--- tcp_reply: x\n--- tcp_query_headers: A: b",
        qr/request 1 at the backend: header A$/m],
    ['query alone', "--- request: GET /\n--- tcp_query: y", qr/no tcp_reply/],
    ['end', "--- request: GET /\n--- tcp_reply: x\n--- tcp_reply_close: maybe",
        qr/tcp_reply_close is yes, no, half or reset/],
    ['codes', "--- pipelined_requests\nGET /\n~~~\nGET /\n--- error_code: 1 2 3",
        qr/has 3 codes for 2/m],
    ['conf ok', "--- full_config\nnonsense;\n--- conf_ok", qr/exit status of -t$/m],
    ['conf error', "--- full_config\nevents { }\n--- conf_error", qr/exit status of -t$/m],
    ['conf text', "--- full_config\nnonsense;\n--- conf_error\nother", qr/-t says other$/m],
    ['no start', "--- full_config\nnonsense;\n--- request: GET /",
        qr/exited with status 1 at start/m],
);

subtest 'each expectation can fail' => sub {
    my $text = join '', map { "=== $_->[0]\n" . ($_->[1] =~ /_config/ ? '' : "--- config\n$conf\n")
        . "$_->[1]\n" } @failures;
    my $factor = 0.3 * ($ENV{WEIR_TIMEOUT_FACTOR} || 1);
    my $r = run_child(blocks($text), %program, WEIR_TIMEOUT_FACTOR => $factor);
    my %part;

    # What stands from one "# Subtest" line to the next, so it ends with the verdict.
    for my $piece (split /^(?=# Subtest: )/m, $r->{out}) {
        $part{$1} = $piece if $piece =~ /^# Subtest: (.*?) \(/;
    }
    for my $failure (@failures) {
        my ($name, $block, $says) = @$failure;
        my $piece = $part{$name} // '';
        if ($says) {
            like($piece, qr/^not ok \d+ - \Q$name\E \(/m, "$name fails") or diag($piece);
            like($piece, qr/$says/m, "$name says why") or diag($piece);
        } else {
            like($piece, qr/^ok \d+ - \Q$name\E \(/m, "$name passes") or diag($piece);
        }
    }
    my $expected = grep { $_->[2] } @failures;
    is(() = $r->{out} =~ /^not ok/mg, $expected, 'nothing else fails') or diag($r->{out});
    is($r->{status}, $expected, 'status');
};

# Text of a child that starts a server $t.
sub child_code
{
    my ($code) = @_;

    return "use Test::Weir;\nmy \$t = Test::Weir->new;\n\$t->write_conf('events { } http { server {"
        . " listen 127.0.0.1:%%PORT%%; $conf } }');\n\$t->start;\n\$| = 1;\n"
        . "diag('pids ', join ' ', \$t->master_pid, \$t->worker_pids, ' dir ', \$t->dir);\n$code\n";
}

# True when neither a process nor the directory of a child run is left.
sub nothing_left
{
    my ($out) = @_;
    my ($pids, $dir) = $out =~ /.*# pids ([\d ]+?) +dir +(\S+)/s or return 0;

    return !grep({ alive($_) } split ' ', $pids) && !-e $dir;
}

subtest 'the end of a server' => sub {
    my %cases = (
        'stops' => ['$t->stop; done_testing();', 0],
        'is stopped by done_testing' => ['done_testing();', 0],
        'test dies' => ['ok(1); die "oops";', qr/\A(?:255|\d+)\z/],
        'test forgets it' => ['ok(1); Test::More::done_testing();', 1],
        'test is terminated' => ['diag("ready"); sleep 20;', 143,
            while => sub { kill TERM => $_[0] }],
        'test is interrupted' => ['diag("ready"); sleep 20;', 130,
            while => sub { kill INT => $_[0] }],
        'goes out of scope' => ['undef $t; done_testing();', 1],
        'was killed' => ['kill KILL => $t->master_pid; $t->stop; done_testing();', 1],
        'was killed, as expected' =>
            ['$t->stop("KILL", expect => 137, orphans => 1); done_testing();', 0],
        'has another exit status' => ['$t->stop("QUIT", expect => 7); done_testing();', 1],
        'a sanitizer spoke' => ['open my $e, ">>", $t->dir . "/stderr"; print $e "x.c:1: runtime'
            . ' error: y\n"; close $e; $t->stop; done_testing();', 1],
        'an alert in the log' => ['open my $e,
            ">>", $t->dir . "/logs/error.log"; print $e "2026/01/01'
            . ' 00:00:00 [alert] 1#1: x\n"; close $e; $t->stop; done_testing();', 1],
        'an alert that is allowed' => ['open my $e,
            ">>", $t->dir . "/logs/error.log"; print $e "2026/'
            . '01/01 00:00:00 [alert] 1#1: x\n"; close $e; $t->allow_log(qr/#1: x/); $t->stop;'
            . ' done_testing();', 0],
        'daemon' => ['$t->stop; $t->start_daemon; is(get($t->port, "/")->{status}, 200); $t->stop;'
            . ' done_testing();', 0],
        'daemon, test dies' => ['$t->stop; $t->start_daemon; diag("pids ", $t->master_pid,
            "  dir ",'
            . ' $t->dir); die;', qr/\A\d+\z/],
    );
    for my $name (sort keys %cases) {
        my ($code, $status, @env) = @{$cases{$name}};
        my $r = run_child(child_code($code), %program, @env);
        ref $status ? like($r->{status}, qr/^(?!0$)/, "$name: status") : is($r->{status}, $status,
            "$name: status")
            or diag($r->{out});
        ok(nothing_left($r->{out}), "$name: nothing is left") or diag($r->{out});
    }
    my $r = run_child(child_code('$t->stop; done_testing();'), %program, WEIR_KEEP => 1);
    my ($dir) = $r->{out} =~ /^# server kept in (\S+)/m;
    ok(defined $dir && -s "$dir/conf/weir.conf", 'WEIR_KEEP keeps the directory');
    system 'rm', '-r', $dir if defined $dir && $dir =~ m{/weir-test-\w+$};
};

subtest 'plain perl' => sub {
    my $r = run_child(child_code(<<'END'), %program);
my $answer = get($t->port, '/', 'X-Y' => 'z');
is($answer->{body}, "body\n", 'get');
is($answer->{header}{connection}, 'close', 'header');
like(http($t->port, "GET / HTTP/1.0\r\n\r\n"), qr/^HTTP.*body\n$/s, 'http');
is(request($t->port, 'POST', '/', body => 'abc')->{status}, 200, 'request');
my @conns = map { Test::Weir::Conn->new($t->port) } 1 .. 3;
$_->write("GET / HTTP/1.1\r\nHo") for @conns;
ok($_->drained, 'the server has read the piece') for @conns;
$_->write("st: x\r\n\r\n") for @conns;
is($_->read_response->{body}, "body\n", 'several connections') for @conns;
ok($_->quiet, 'open') for @conns;
$_->close for @conns;
is($t->run_conf('-t')->{status}, 0, '-t');
like($t->run_cli('-v')->{err}, qr/version/, '-v');
is(scalar($t->worker_pids), 1, 'workers');
ok(wait_for { $t->access_log =~ /POST/ } 5, 'the access log');

my @before = $t->worker_pids;
my $text = 'events { } http { server { listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT1%%;'
    . ' return 200 "new"; } }';
$t->write_conf($text);
my ($status, $output) = $t->reload;
is($status, 0, 'reload') or diag($output);
is(get($t->port($_), '/')->{body}, 'new', "port $_ after the reload") for 0, 1;
$t->write_conf("$text nonsense;");
($status, $output) = $t->reload;
is($status, 1, 'reload of a broken configuration');
like($output, qr/unknown directive "nonsense"|unexpected end of file/, 'and why');
is(get($t->port, '/')->{body}, 'new', 'the old one goes on');
$t->write_conf($text);
is($t->stop('TERM'), 0, 'stop');
ok(!eval { Test::Weir::Conn->new($t->port) }, 'nobody listens');
$t->start(wrap => ['/bin/sh', '-c', 'ulimit -n 200; exec "$@"', 'sh'], env => {FOO => 'bar'});
like(Test::Weir::Util::slurp('/proc/' . $t->master_pid . '/limits'), qr/^Max open files +200 /m,
    'wrap');
is(get($t->port(1), '/')->{body}, 'new', 'started again');
my $second = Test::Weir->new(name => 'second');
isnt($second->port, $t->port, 'another server has another port');
$second->write_conf('events { } nonsense;');
ok(!eval { $second->start }, 'a start that fails dies');
like($@, qr/second exited with status 1 at start.*unknown directive "nonsense"/s, 'and tells why');
done_testing();
END
    is($r->{status}, 0, 'status') or diag($r->{out});
    ok(nothing_left($r->{out}), 'nothing is left');
};

done_testing();
