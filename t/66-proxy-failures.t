# A proxy between two ends that break: clients and backends that leave, stop, hurry or talk nonsense.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;
use Test::Weir::Util qw(slurp tcp_sockets);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
my @buffering = ('on', 'off', on_oracle() ? () : 'auto');
my $conf = <<'CONF';
worker_processes 1;
worker_shutdown_timeout 5s;
events { worker_connections 512; }
http {
    log_format tries '$request_method $request_uri $status $upstream_status $upstream_addr '
        '$request_completion';
    access_log logs/access.log tries;
    client_body_buffer_size 16k;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream pool { server 127.0.0.1:%%PORT1%% max_fails=0; keepalive 8; }
    @@KEPT@@
    upstream full { server 127.0.0.1:%%PORT10%% max_fails=0; server 127.0.0.1:%%PORT1%% backup; }
    upstream two { server 127.0.0.1:%%PORT2%% max_fails=0; server 127.0.0.1:%%PORT1%% backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location = /status { stub_status; access_log off; }
        location /up/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_request_buffering off; }
        location /ignore/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_ignore_client_abort on; }
        location /ignore-full/ {
            proxy_pass http://full;
            proxy_ignore_client_abort on;
            proxy_connect_timeout 300ms;
        }
        location /hasty-full/ { proxy_pass http://127.0.0.1:%%PORT10%%;
            proxy_connect_timeout 300ms; }
        location /ignore-two/ {
            proxy_pass http://two;
            proxy_ignore_client_abort on;
            proxy_read_timeout 300ms;
        }
        location /ignore-up/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_ignore_client_abort on;
            proxy_request_buffering off;
            proxy_send_timeout 300ms;
            proxy_read_timeout 300ms;
        }
        location /store/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_store %%DIR%%/stored$uri;
        }
        location /pool/ { proxy_pass http://pool; }
        location /pool-up/ { proxy_pass http://pool; proxy_request_buffering off; }
        location /hasty/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_connect_timeout 300ms;
            proxy_send_timeout 300ms;
            proxy_read_timeout 300ms;
            location /hasty/up/ {
                proxy_pass http://127.0.0.1:%%PORT1%%;
                proxy_request_buffering off;
            }
        }
        location /impatient/ {          # to send: a bit; to answer: long
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_send_timeout 300ms;
            proxy_read_timeout 20s;
        }
        location /two/ { proxy_pass http://two; }
        location /two/brief/ { proxy_pass http://two; proxy_next_upstream_timeout 200ms;
            proxy_read_timeout 400ms; }
        location /two/up/ { proxy_pass http://two; proxy_request_buffering off; }
        location /two/any/ { proxy_pass http://two;
            proxy_next_upstream error timeout non_idempotent http_503; }
        location ~ ^/kept-(\d) { proxy_pass http://kept$1; }
        location ~ ^/kept-up-(\d) { proxy_pass http://kept$1; proxy_request_buffering off; }
        @@BUFFERED@@
    }
}
CONF
my $buffered = join '', map { <<"CONF" } @buffering;
        location /$_/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_buffering $_;
            location /$_/small/ { proxy_pass http://127.0.0.1:%%PORT1%%;
                proxy_max_temp_file_size 64k; proxy_temp_file_write_size 16k; }
            location /$_/none/ { proxy_pass http://127.0.0.1:%%PORT1%%;
                proxy_max_temp_file_size 0; }
        }
CONF
$conf =~ s/ *\@\@BUFFERED\@\@\n/$buffered/;
# What a proxy learns of one does not count for another.
my $kept = join '', map { <<"CONF" } 3 .. 9;
    upstream kept$_ { server 127.0.0.1:%%PORT$_%% max_fails=0; keepalive 8; }
CONF
$conf =~ s/ *\@\@KEPT\@\@\n/$kept/;
$t->write_conf($conf);
mkdir $t->dir . '/stored';
chmod 0777, $t->dir . '/stored';
$t->start;
my $backend = Test::Weir::Backend->new($t->port(1), answer(200, "plain\n"));
my $other = Test::Weir::Backend->new($t->port(2), answer(200, "other\n"));
# Nobody accepts here.
my $full = Test::Weir::Backend->new($t->port(10))->overflow;
my $large = join '', map { sprintf "%07x\n", $_ } 1 .. 524_288;

# --- what is left behind ------------------------------------------------------------------------

sub descriptors
{
    my ($pid) = $t->worker_pids;
    my @all = glob "/proc/$pid/fd/*";

    return scalar @all;
}

sub active
{
    my ($count) = (get($t->port, '/status') // {body => ''})->{body} =~ /^Active connections: (\d+)/;

    return $count // -1;
}

# Idle connections to the backends go as soon as these begin anew.
my $before = do {
    get($t->port, '/');
    $_->script(answer(200, "plain\n")) for $backend, $other;
    wait_for { active() == 1 } 5, 'quiet at the start';
    descriptors();
};

my $conn;

sub clean
{
    my ($name) = @_;

    undef $conn;
    $_->script(answer(200, "plain\n")) for $backend, $other;
    my $quiet = wait_for { active() == 1 && descriptors() <= $before } 5, "quiet: $name";
    ok($quiet, "$name: no connection and no descriptor is left");
    return if on_oracle();
    my $run = $t->run_conf('generations');
    my $text = $run->{out} . $run->{err};
    is(scalar(() = $text =~ /^generation/mg), 1, "$name: one generation");
    unlike($text, qr/ for [1-9]/, "$name: no request is left");
}

# --- helpers ------------------------------------------------------------------------------------

sub ask
{
    my ($line, @more) = @_;
    my $body = @more % 2 ? pop @more : '';
    my $conn = Test::Weir::Conn->new($t->port);
    my $head = "$line HTTP/1.1\r\nHost: a\r\n";

    while (my ($name, $value) = splice @more, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    $conn->write("$head\r\n$body");
    return $conn;
}

# What is logged of a URI: "status upstream-status".
sub logged
{
    my ($uri) = @_;

    wait_for { $t->access_log =~ m{^\w+ \Q$uri\E }m } 5, "the log of $uri";
    my ($status) = $t->access_log =~ m{^\w+ \Q$uri\E (\d+ .*?) 127}m;
    ($status) = $t->access_log =~ m{^\w+ \Q$uri\E (\d+ .*?) \S+ \S*$}m unless defined $status;
    return $status;
}

sub status
{
    my ($conn, %opt) = @_;

    return ($conn->read_response(%opt) // {status => 'none'})->{status};
}

my $head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";

# --- clients that leave -------------------------------------------------------------------------

for my $how (qw(close reset)) {
    $backend->script([\'body', \'hang']);
    $conn = ask("GET /gone?$how");
    $backend->wait_for_requests(1);
    $conn->$how;
    ok($backend->wait_closed(1), "gone before the head, $how: the backend knows");
    like(logged("/gone?$how"), qr/^499 /, "gone before the head, $how: status");

    for my $place (map { "/$_/" } @buffering) {
        $backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n", $large]);
        $conn = ask("GET ${place}gone-amid?$how");
        $conn->read_bytes(1000);
        $conn->$how;
        ok($backend->wait_closed(1), "$place, gone amid the body, $how: the backend knows")
            if $place eq '/off/';
        is(logged("${place}gone-amid?$how"), '200 200', "$place, gone amid the body, $how: status");
    }

    $backend->script([\'head', \'hang']);
    $conn = ask("POST /up/gone?$how", 'Content-Length' => 10, '12345');
    wait_for { $backend->received(1) =~ /12345/ } 5, 'the half';
    $conn->$how;
    ok($backend->wait_closed(1), "gone amid its body, $how: the backend knows");
    like(logged("/up/gone?$how"), qr/^400 /, "gone amid its body, $how: status");

    $backend->script(answer(200, 'x'));
    $conn = ask("POST /half?$how", 'Content-Length' => 10, '12345');
    $conn->drained;
    $conn->$how;
    like(logged("/half?$how"), qr/^400 /, "gone amid a body that is kept, $how: status");
    is(scalar $backend->connections, 0, "half of a body, $how: nobody is asked");
}
clean('clients that leave');

# A client that leaves does not matter: before the head, amid the body, and when the first server
# is of no use.
$backend->script([\'body', \'go', answer(200, 'x')]);
$conn = ask('GET /ignore/1');
$backend->wait_for_requests(1);
$conn->reset;
is(($backend->connections)[0]{closed}, undef, 'ignored: the connection stays');
$backend->go;
like(logged('/ignore/1'), qr/ 200$/, 'ignored: read to its end');
$backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n", $large, \'close']);
$conn = ask('GET /ignore/2');
$conn->read_bytes(1000);
$conn->reset;
is($backend->wait_closed(1), 'us', 'ignored amid the body: all of it was taken')
    unless skipped('a reset', differs => 'nginx may end when it cannot write');
is(logged('/ignore/2'), '200 200', 'ignored amid the body: status');
$other->script([\'body', \'hang']);
$backend->script(answer(200, 'x'));
$conn = ask('GET /ignore-two/1');
$other->wait_for_requests(1);
$conn->close;
is(scalar $backend->wait_for_requests(1), 1, 'ignored: another server is asked');
like(logged('/ignore-two/1'), qr/ 504, 200$/, 'ignored: logged');
sub connecting { return scalar grep { $_->{state} == 2 && $_->{remote} == $t->port(10) }
    tcp_sockets() }
my $waiting = connecting();
$backend->script(answer(200, 'x'));
$conn = ask('GET /ignore-full/1');
wait_for { connecting() > $waiting } 5, 'it connects';
$conn->reset;
is(scalar $backend->wait_for_requests(1), 1, 'ignored while it connects: another server is asked');
# Half of a body is not passed on for ever.
$backend->script([\'head', \'hang']);
$conn = ask('POST /ignore-up/1', 'Content-Length' => 10, '12345');
wait_for { $backend->received(1) =~ /12345/ } 5, 'the half';
$conn->reset;
ok($backend->wait_closed(1), 'ignored, half of a body: it ends');

$backend->script([\'body', "${head}abc", \'go', 'def']);
$conn = ask('GET /store/a');
$conn->read_until(qr/\r\n\r\n/);
$conn->reset;
$backend->go;
my $stored = $t->dir . '/stored/store/a';
ok(wait_for(sub { (slurp($stored) // '') eq 'abcdef' }, 5, 'the file'), 'stored without the client');
# And before anything of it has come.
for my $how (qw(close reset)) {
    $backend->script([\'body', \'go', answer(200, 'later')]);
    $conn = ask("GET /store/$how");
    $backend->wait_for_requests(1);
    $conn->$how;
    is(($backend->connections)[0]{closed}, undef, "store, $how: the connection stays");
    $backend->go;
    my $path = $t->dir . "/stored/store/$how";
    ok(wait_for(sub { (slurp($path) // '') eq 'later' }, 2, 'the file'), "store, $how: stored");
}
clean('clients that do not matter');

# A client that has said all it has to say. (Whoever reads the end of it as a farewell is right.)
$backend->script([\'body', \'go', answer(200, 'x')]);
$conn = ask('GET /half-closed');
$backend->wait_for_requests(1);
$conn->shutdown_write;
if ($conn->eof) {
    like(logged('/half-closed'), qr/^499/, 'half-closed: status');
}
$backend->script(answer(200, "quick"));
$conn = Test::Weir::Conn->new($t->port);
$conn->write("GET /ignore/half HTTP/1.1\r\nHost: a\r\n\r\n");
$conn->shutdown_write;
is(status($conn), 200, 'half-closed and answered all the same');
clean('half-closed clients');

# --- backends that leave ------------------------------------------------------------------------

sub chunked { return join '', map({ sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n" }

my $length = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
my $chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
my $until = "HTTP/1.1 200 OK\r\n\r\n";
for my $how ('close', 'reset') {
    for my $case (
        ['at once', 502, [\'connect', \$how]],
        ['behind the request', 502, [\'body', \$how]],
        ['within the first line', 502, [\'body', 'HTTP/1.', \'taken', \$how]],
        ['within the head', 502, [\'body', "HTTP/1.1 200 OK\r\nX: y\r\n", \'taken', \$how]],
        ['behind a 1xx', 502, [\'body', "HTTP/1.1 100 Go on\r\n\r\n", \'taken', \$how]],
        )
    {
        my ($when, $want, $steps) = @$case;
        next if on_oracle() && $when eq 'behind a 1xx';
        $backend->script($steps);
        $conn = ask("GET /$how");
        is(status($conn), $want, "$how $when");
        $backend->script(answer(200, 'next'));
        $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        is(($conn->read_response // {})->{body}, 'next', "$how $when: the client's goes on");
    }
    # Within the body: the client sees that it is not whole, whatever the buffers.
    for my $place (@buffering) {
        for my $case (['with a length', "${length}abc"], ['in chunks', "${chunks}3\r\nabc\r\n"],
            ['in a chunk', "${chunks}6\r\nabc"], ['behind the last chunk', "${chunks}0\r\n"],
            ['to its end', "${until}abc"])
        {
            my ($framing, $bytes) = @$case;
            my $whole = $framing eq 'to its end' && $how eq 'close';
            next if $framing eq 'to its end' && $how eq 'reset' && on_oracle();
            $backend->script([\'body', $bytes, \'taken', \$how]);
            my $answer = ask("GET /$place/cut")->read_response;
            is(defined $answer->{error} ? 'cut' : 'whole', $whole ? 'whole' : 'cut',
                "$how within a body $framing, buffering $place");
            is($answer->{body}, $framing =~ /last/ ? '' : 'abc',
                "$how within a body $framing, buffering $place: what there was") if $whole;
        }
    }
}
# A backend that says that nothing more comes, with its other half open.
for my $case (['behind the answer', 200, "${length}abcdef"], ['within the head', 502, 'HTTP/1.1 2'],
    ['to end the answer', 200, "${until}abcdef"])
{
    my ($when, $want, $bytes) = @$case;
    $backend->script([\'body', $bytes, \'taken', \'half', \'hang']);
    my $answer = ask("GET /half")->read_response;
    is($answer->{status}, $want, "half-closed $when");
    is($answer->{body}, 'abcdef', "half-closed $when: the body") if $want == 200;
}
clean('backends that leave');

# --- who is slow --------------------------------------------------------------------------------

# A client that reads nothing until the backend has sent all, or has to wait.
for my $place (map { ("/$_/", "/$_/small/", "/$_/none/") } @buffering) {
    $backend->script([\'body', answer(200, $large)]);
    $conn = ask("GET ${place}slow");
    $conn->read_until(qr/\r\n\r\n/);
    my $answer = join '', map { $conn->read_bytes(65_536) } 1 .. 64;
    ok($answer eq $large, "${place}: four MiB, read late");
    $conn->close;
}
clean('slow clients');

# Limits of time: to connect, for the head, amid the head, amid the body, for the request.
is(status(ask('GET /hasty-full/')), 504, 'nobody accepts');
is(logged('/hasty-full/'), '504 504', 'nobody accepts: logged');
for my $case (
    [504, 'no answer', [\'body', \'hang']],
    [504, 'half a head', [\'body', "HTTP/1.1 200 OK\r\nX: y\r\n", \'hang']],
    [200, 'half a body', [\'body', "${length}abc", \'hang'],
        on_oracle() ? 'only 0 of 6 bytes' : 'only 3 of 6 bytes'],
    [200, 'half of the chunks', [\'body', "${chunks}3\r\nabc\r\n", \'hang'],
        'chunked body ends too early'],
    )
{
    my ($want, $name, $steps, $error) = @$case;
    $backend->script($steps);
    my $answer = ask('GET /hasty/wait')->read_response;
    is($answer->{status}, $want, "$name: status");
    is($answer->{error}, $error, "$name: what is wrong");
    ok($backend->wait_closed(1), "$name: the connection is given up");
}
for my $place ('/hasty/', '/hasty/up/') {
    $backend->script([\'connect', \'deaf', \'go']);
    $conn = ask("POST ${place}send", 'Content-Length' => 1_000_000, 'x' x 1_000_000);
    is(status($conn), 504, "${place}: nobody takes the request");
}
# The client pauses, and then it is the backend that does.
$backend->script([\'head', \'deaf', \'go']);
$conn = ask('POST /hasty/up/later', 'Content-Length' => 20_000_000);
wait_for { $backend->received(1) =~ /\r\n\r\n/ } 5, 'the head';
ok($conn->quiet(0.7), 'a client that pauses is waited for');
$conn->write('x' x 1_000_000) for 1 .. 1;
my $bytes = 'x' x 1_000_000;
for (1 .. 18) {
    last unless syswrite $conn->socket, $bytes;
}
is(status($conn), 504, 'then a backend that takes nothing is not')
    unless skipped('the answer', differs => 'nginx closes without lingering');
# The request is there: from now on it is the limit for the answer that counts.
$backend->script([\'body', \'go', answer(200, 'late')]);
$conn = ask('POST /impatient/', 'Content-Length' => 900_000, 'x' x 900_000);
$backend->wait_for_requests(1);
ok($conn->quiet(0.7), 'it may think');
$backend->go;
is(status($conn), 200, 'for longer than sending may take');
clean('slow backends');

# --- early answers ------------------------------------------------------------------------------

for my $place ('/', '/up/', '/pool/', '/pool-up/') {
    for my $want (200, 413) {
        for my $end ([], [\'close'], [\'half', \'hang'], [\'go']) {
            next if on_oracle() && @$end && ${$end->[0]} eq 'close';
            my $name = "$place, early $want, " . (@$end ? ${$end->[0]} : 'open');
            $backend->script([\'head', answer($want, 'early'), @$end], answer(200, 'next'));
            $conn = ask("POST ${place}early", 'Content-Length' => 300_000, 'x' x 300_000);
            my $answer = $conn->read_response // {status => 'none'};
            is("$answer->{status} $answer->{body}", "$want early", $name);
            $backend->script(answer(200, 'next'));
            next if on_oracle() || ($answer->{header}{connection} // '') eq 'close';
            $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            is(($conn->read_response // {body => 'none'})->{body}, 'next', "$name: the next one");
        }
    }
    # It reads nothing of the body.
    $backend->script([\'head', \'deaf', answer(413, 'no'), \'taken', \'close']);
    $conn = ask("POST ${place}deaf", 'Content-Length' => 8_000_000);
    $bytes = 'x' x 8_000_000 if $place !~ /up/;
    $place =~ /up/ ? $conn->write('x' x 1000) : syswrite $conn->socket, 'x' x 1000;
    if ($place =~ /up/) {
        is(status($conn), 413, "$place: answered before it has read");
    }
    $conn->close;
}
$backend->script([\'head', \'deaf', answer(413, 'no'), \'taken', \'reset']);
my $answer = ask('POST /up/reset', 'Content-Length' => 500_000, 'x' x 500_000)->read_response;
ok($answer && $answer->{status} =~ /^(?:413|502)$/, 'an answer, then a reset');
clean('early answers');

# --- what is no answer --------------------------------------------------------------------------

for my $case (
    [502, 'garbage', "\0\1\2 what?\r\n\r\n"],
    [502, 'an empty line before it', "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    [502, 'a request', "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    [502, 'two lengths', "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [502, 'a head without an end', "HTTP/1.1 200 OK\r\nX: " . 'x' x 100_000],
    [502, 'heads before it without an end', "HTTP/1.1 103 Early\r\nX: y\r\n\r\n" x 5000],
    )
{
    my ($want, $name, $bytes) = @$case;
    next if on_oracle() && $name =~ /^garbage|^an empty|^a request|^two|^heads/;
    $backend->script([\'body', $bytes, \'taken', \'close']);
    is(status(ask('GET /garbage')), $want, $name);
    $backend->script(answer(200, 'x'));
}
# Behind it: the answer counts, the connection does not.
for my $place ('/', '/pool/', map { "/$_/" } @buffering) {
    for my $case (['a length', "${length}abcdef"], ['chunks', $chunks . chunked('abcdef')],
        ['no body', "HTTP/1.1 204 No Content\r\n\r\n"], ['none of 0', "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    {
        my ($name, $bytes) = @$case;
        $backend->script([\'body', $bytes . "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"],
            answer(200, 'right'));
        $conn = ask("GET ${place}behind");
        $answer = $conn->read_response;
        is($answer->{body}, $name =~ /^no/ ? '' : 'abcdef', "$place, $name: the answer");
        $conn->write("GET ${place}behind HTTP/1.1\r\nHost: a\r\n\r\n");
        is(($conn->read_response // {body => 'none'})->{body}, 'right', "$place, $name: the next");
        is(($backend->requests)[1]{connection}, 2, "$place, $name: of another connection");
    }
}
clean('nonsense');

# --- 100-continue, interim answers --------------------------------------------------------------

for my $place ('/', '/up/', '/pool/', '/pool-up/') {
    $backend->script([\'body', answer(200, 'x')]);
    $conn = ask("POST ${place}expect", Expect => '100-continue', 'Content-Length' => 5);
    my $interim = $conn->read_until(qr/\r\n\r\n/);
    like($interim, qr{^HTTP/1.1 100 }, "$place: the client may go on");
    $conn->write('12345');
    is(status($conn), 200, "$place: and is answered");
    is(($backend->requests)[0]{header}{expect}, undef, "$place: that is between us");
    is(($backend->requests)[0]{body}, '12345', "$place: the body");

    # The backend refuses before it has the body.
    next if $place !~ /up/;
    $backend->script([\'head', answer(403, 'no'), \'go']);
    $conn = ask("POST ${place}refused", Expect => '100-continue', 'Content-Length' => 5);
    my $answer = $conn->read_response;
    is($answer->{status}, 403, "$place: refused without the body");
}
unless (skipped('100 from a backend', differs => 'nginx takes it for the answer')) {
    for my $place ('/', '/up/', '/pool/') {
        $backend->script([\'head', "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Wait\r\n\r\n",
            \'taken', \'body', "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", answer(200, 'x')]);
        my $answer = ask("POST ${place}interim", 'Content-Length' => 5, '12345')->read_response;
        is($answer->{status}, 200, "$place: 1xx and then the answer");
        is(scalar @{$answer->{early}}, 0, "$place: they are not for the client");
    }
}
clean('interim answers');

# --- answers without a body on a connection that stays ------------------------------------------

for my $place ('/kept-3', '/kept-up-4') {
    my $server = Test::Weir::Backend->new($t->port(substr $place, -1));
    my @cases = (['HEAD', "200 OK\r\nContent-Length: 7"], ['HEAD', '200 OK'],
        ['GET', '204 No Content'], ['GET', "304 Not Modified\r\nContent-Length: 7"],
        ['HEAD', "200 OK\r\nTransfer-Encoding: chunked"], ['GET', "200 OK\r\nContent-Length: 0"],
        ['POST', "200 OK\r\nContent-Length: 0"]);
    $server->script(map({ [\'body', "HTTP/1.1 $_->[1]\r\n\r\n"] } @cases), answer(200, 'end'));
    $conn = Test::Weir::Conn->new($t->port);
    for my $case (@cases) {
        my ($method, $fields) = @$case;
        my $body = $method eq 'POST' ? "Content-Length: 3\r\n\r\nabc" : "\r\n";
        $conn->write("$method $place HTTP/1.1\r\nHost: a\r\n$body");
        is(status($conn, method => $method), substr($fields, 0, 3), "$place, $method $fields");
    }
    $conn->write("GET $place HTTP/1.1\r\nHost: a\r\n\r\n");
    is($conn->read_response->{body}, 'end', "$place: the last one");
    is(scalar $server->connections, 1, "$place: all on one connection")
        unless on_oracle();
}
clean('bodiless answers');

# --- pipelined requests -------------------------------------------------------------------------

for my $place ('/', '/pool/', '/off/') {
    $backend->script(sub { return answer(200, "$_[0]{uri} $_[0]{body}") });
    $conn = Test::Weir::Conn->new($t->port);
    $conn->write(join '', map { my $body = 'b' x ($_ * 1000);
        ("GET ${place}get$_ HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST ${place}post$_ HTTP/1.1\r\nHost: a\r\nContent-Length: ${\length $body}\r\n\r\n$body")
    } 1 .. 40);
    my $wrong = 0;
    for my $i (1 .. 40) {
        $wrong++ if ($conn->read_response // {body => ''})->{body} ne "${place}get$i ";
        $wrong++ if ($conn->read_response // {body => ''})->{body}
            ne "${place}post$i " . 'b' x ($i * 1000);
    }
    is($wrong, 0, "$place: eighty at once, in their order");
}
clean('pipelined requests');

# --- who is asked next --------------------------------------------------------------------------

sub both
{
    my ($first, @second) = @_;

    $other->script($first);
    $backend->script(@second ? @second : sub { answer(200, "$_[0]{method} " . length $_[0]{body}) });
}

for my $size (10, 200_000) {            # in memory, in a file
    for my $case (['refused', undef], ['reset', [\'body', \'reset']],
        ['close', [\'body', \'close']], ['reset early', [\'head', \'reset']],
        ['reset at once', [\'connect', \'reset']])
    {
        my ($name, $steps) = @$case;
        both($steps // answer(200, ''));
        $other->refuse unless $steps;
        my $answer = ask('PUT /two/', 'Content-Length' => $size, 'x' x $size)->read_response;
        is($answer->{body}, "PUT $size", "$name, $size bytes: the next one has them all");
    }
}
both([\'body', \'reset']);
is(status(ask('POST /two/', 'Content-Length' => 1, 'x')), 502, 'POST is not repeated');
is(scalar $backend->requests, 0, 'POST: nobody else was asked');
both(answer(200, ''));
$other->refuse;
# What was kept of the scripts before is gone after this one, which may be repeated.
is(status(ask('GET /two/')), 200, 'a GET finds the other one');
is(status(ask('POST /two/', 'Content-Length' => 1, 'x')), 200, 'unless nobody has got it');
both([\'body', \'reset']);
is(status(ask('POST /two/any/', 'Content-Length' => 1, 'x')), 200, 'or it may be');
both(answer(503, 'busy'));
is(ask('PUT /two/any/', 'Content-Length' => 1, 'x')->read_response->{body}, 'PUT 1', 'after a 503');
both([\'body', \'hang']);
is(status(ask('GET /two/brief/')), 504, 'the time for all tries is over');
is(scalar $backend->requests, 0, 'so nobody else is asked');
# What was passed on cannot be passed on again.
both([\'body', \'reset']);
$conn = ask('PUT /two/up/', 'Content-Length' => 5);
wait_for { $other->received(1) =~ /\r\n\r\n/ } 5, 'the head';
$conn->write('12345');
is(status($conn), 502, 'a body that is passed on');
# (Nor is it on a connection of before.)
clean('a body that is passed on');
both(answer(200, ''));
$other->refuse;
is(ask('PUT /two/up/', 'Content-Length' => 5, '12345')->read_response->{body}, 'PUT 5',
    'a body that nobody has got');
clean('next servers');

# --- connections that wait for the next request -------------------------------------------------

for my $case (['GET', 200, 5], ['PUT', 200, 6], ['POST', 502, 7]) {
    my ($method, $want, $n) = @$case;
    # The first answer is fine; the next request on this connection gets none, on others one.
    my $server = Test::Weir::Backend->new($t->port($n), answer(200, 'first'), [\'body', \'close'],
        answer(200, 'again'));
    my @body = $method eq 'GET' ? () : ('Content-Length' => 1, 'x');
    is(status(ask("$method /kept-$n", @body)), 200, "$method: the first");
    is(status(ask("$method /kept-$n", @body)), $want, "$method: the second finds a dead connection");
    is(scalar(() = $server->connections), $want == 200 ? 2 : 1, "$method: so many connections");
}
# One that is closed right behind an answer: POST may see it before it is used, and is never lost
# after that.
$backend->script([\'body', answer(200, 'x'), \'taken', \'close']);
my %seen;
for my $i (1 .. 50) {
    $seen{status(ask("GET /pool/n$i"))}++;
}
is(join(' ', %seen), '200 50', 'each connection is closed behind its answer');
# One that says so.
$backend->script(answer(200, 'x', Connection => 'close'));
%seen = ();
$seen{status(ask('POST /pool/', 'Content-Length' => 1, 'x'))}++ for 1 .. 20;
is(join(' ', %seen), '200 20', 'POST with answers that announce it');
# The end comes with bytes: an answer 408 to nobody.
$backend->script([\'body', answer(200, 'x'), \'go', answer(408, 'wrong'), \'close'],
    answer(200, 'right'));
$conn = ask('GET /pool/');
is($conn->read_response->{body}, 'x', 'an answer');
$backend->go;
$backend->wait_closed(1);
is(ask('GET /pool/')->read_response->{body}, 'right', 'a 408 that nobody has asked for');
clean('connections that wait');
$t->stop;

# --- what is read without its client ends with the server ---------------------------------------

for my $when ('a reload', 'the end') {
    next if on_oracle() && skipped($when, differs => 'nginx waits for proxy_read_timeout');
    my $q = Test::Weir->new(name => $when);
    $q->write_conf(<<'CONF');
worker_processes 1;
worker_shutdown_timeout 300ms;
events { }
http {
    access_log logs/access.log combined;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_ignore_client_abort on; }
    }
}
CONF
    $q->start;
    my $silent = Test::Weir::Backend->new($q->port(1), [\'body', \'hang'],
        [\'body', "${head}abc", \'hang']);
    for my $n (1, 2) {
        my $client = Test::Weir::Conn->new($q->port);
        $client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        $silent->wait_for_requests($n);
        $client->read_until(qr/\r\n\r\n/) if $n == 2;
        $client->reset;
    }
    $q->reload if $when eq 'a reload';
    $q->signal('QUIT') if $when eq 'the end';
    ok($silent->wait_closed($_), "$when: number $_ ends") for 1, 2;
    $when eq 'the end' ? $q->stop(undef, gone => 1) : $q->stop;
}
done_testing();
