# What clients, files and limits can do to a request in the middle of its life: resets, answers that
# nobody takes, bodies that drip, descriptors that run out, numbers at their ends.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;
use IO::Socket::IP;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(time);

sub connection { return Test::Weir::Conn->new($_[0]->port) }

# A client with little room: with a small sndbuf at the other end answers stay in the server.
sub slow_connection
{
    my ($t) = @_;
    my $socket = IO::Socket::IP->new(
        PeerHost => '127.0.0.1', PeerPort => $t->port,
        Sockopts => [[SOL_SOCKET, SO_RCVBUF, pack 'i', 2048]],
    ) or die "cannot connect: $!";

    return Test::Weir::Conn->from_handle($socket);
}

sub files { return grep { -f } glob "$_[0]/*" }

# --- the rest of a body, and a reset with it ----------------------------------------------------

{
    my $t = Test::Weir->new(name => 'resets');

    $t->write_conf('worker_processes 1; events { } http { server { listen 127.0.0.1:%%PORT%%;'
        . ' location / { return 200 ok; } } }');
    $t->start;
    my ($worker) = $t->worker_pids;
    for (1 .. 5) {
        my $conn = connection($t);
        $conn->write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n");
        $conn->drained;
        # Both are there when the worker looks.
        kill 'STOP', $worker;
        $conn->write('x' x 2000);
        $conn->reset;
        kill 'CONT', $worker;
        is(get($t->port, '/')->{body}, 'ok', 'a body that ends with a reset');
    }
    is(join(' ', $t->worker_pids), $worker, 'the worker is the same');
    $t->stop;
}

# --- answers that nobody takes ------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'interim');

    $t->write_file('html/a.txt', 'a' x 30_000);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=4k;
        location /put/ {
            dav_methods PUT;
            client_max_body_size 10;
            error_page 413 = @drop;
        }
        location @drop { return 444; }
    }
}
CONF
    SKIP: {
        skip 'this build has no dav', 1 if $t->run_conf('-t')->{err} =~ /"dav_methods"/;
        $t->start;
        my $conn = slow_connection($t);
        $conn->write("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        $conn->drained;
        $conn->write("PUT /put/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n");
        $conn->drained;
        $conn->write("100\r\n" . 'x' x 256);
        $conn->drained;
        like($conn->read_all, qr/\r\n\r\na{30000}(?:HTTP\/1\.1 100 Continue\r\n\r\n)?\z/,
            'a request without an answer, its 100 still on the way');
        $t->stop;
    }
}

{
    my $t = Test::Weir->new(name => 'shutdown');
    my $content = 'a' x 30_000;

    $t->write_file('html/a.txt', $content);
    $t->write_conf('worker_processes 1; worker_shutdown_timeout 200ms; events { } http { server {'
        . ' listen 127.0.0.1:%%PORT%% sndbuf=4k; } }');
    $t->start;
    my $conn = slow_connection($t);
    $conn->write("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n" x 2);
    $conn->drained;
    $t->allow_log(qr/open socket #\d+ left in connection|\baborting$/) if on_oracle();
    $t->stop('QUIT');
    cmp_ok(length $conn->read_all, '<', 60_000, 'worker_shutdown_timeout ends a complete answer');
}

# --- what an old configuration holds ------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'retire');
    my $ask = sub {
        my $conn = connection($t);
        $conn->write("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        $conn->read_until(qr/\r\n\r\naa/);
        return $conn;
    };

    $t->write_file('html/a.txt', 'a' x 1_000_000);
    $t->write_conf('worker_processes 1; worker_shutdown_timeout 500ms; events { } http { server {'
        . ' listen 127.0.0.1:%%PORT%%; location / { limit_rate 1000; }'
        . ' location = /now { return 200 now; } } }');
    $t->start;
    my $old = $ask->();
    my ($status) = $t->reload;
    my $new = $ask->();
    $t->allow_log(qr/open socket #\d+ left in connection|\baborting$/) if on_oracle();
    is($status, 0, 'reloaded');
    cmp_ok(length $old->read_all, '<', 900_000, 'worker_shutdown_timeout ends what is older');
    like($new->read_bytes(1000), qr/^a+\z/, 'what is newer goes on');
    is(get($t->port, '/now')->{body}, 'now', 'and so does the server');
    $new->close;
    $t->stop;
}

# --- waiting ------------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'waiting');

    $t->write_file('html/a.txt', 'a' x 300);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { limit_rate 80; limit_rate_after 400; send_timeout 300ms; }
        location /drip { lingering_timeout 1s; return 405; }
    }
}
CONF
    $t->start;
    is(length get($t->port, '/a.txt')->{body}, 300, 'limit_rate is not the fault of the client');

    my $conn = connection($t);
    $conn->write("POST /drip HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    is($conn->read_response->{status}, 405, 'a body that nobody wants');
    my ($sent, $end) = (0, time + 2);
    wait_for { $conn->write('x') && $sent++; time > $end } 10, 'two seconds';
    $conn->write('x' x (1000 - $sent) . "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    is(($conn->read_response // {status => 'none'})->{status}, 200, 'may come slowly');
    $t->stop;
}

{
    my $t = Test::Weir->new(name => 'ends');

    $t->write_file('html/a.txt', 'a' x 30_000);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    send_timeout 500ms;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=4k;
        location = /drop { return 444; }
        location = /small { client_max_body_size 1; lingering_timeout 0; }
    }
}
CONF
    $t->start;
    my $slow = slow_connection($t);
    $slow->write("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /drop HTTP/1.1\r\nHost: a\r\n\r\n");
    my $silent = connection($t);
    $silent->write("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    is($silent->read_response->{status}, 413, 'lingering_timeout 0: the answer');
    # The connections of a worker that goes are all gone when it is.
    $t->signal('QUIT');
    $t->stop('QUIT');
    cmp_ok(length $slow->read_all, '<', 30_000, 'send_timeout: an answer before one that is none');
}

# --- files --------------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'descriptors');

    $t->write_file("html/$_.txt", $_) for 1 .. 300;
    $t->write_conf('worker_processes 1; worker_rlimit_nofile 100; events { worker_connections 50; }'
        . ' http { server { listen 127.0.0.1:%%PORT%%; } }');
    $t->start;
    my $conn = connection($t);
    my $good = 0;
    for my $n (1 .. 300) {
        $conn->write("GET /$n.txt HTTP/1.1\r\nHost: a\r\n\r\n") or last;
        my $answer = $conn->read_response or last;
        $good++ if $answer->{body} eq $n;
    }
    is($good, 300, 'more files than descriptors');
    $t->stop;
}

SKIP: {
    my $t = Test::Weir->new(name => 'direct');
    my $content = join ' ', 1 .. 20_000;

    skip 'nginx wants whole units', 1
        if skipped('direct', differs => 'direct reads of odd sizes fail');
    $t->write_file('html/a.txt', $content);
    $t->write_conf('worker_processes 1; events { } http { directio 1; server {'
        . ' listen 127.0.0.1:%%PORT%%; location / { output_buffers 1 5000; }'
        . ' location /b/ { alias html/; output_buffers 2 9001; } } }');
    $t->start;
    for my $path (qw(/a.txt /b/a.txt)) {
        is(get($t->port, $path)->{body}, $content, "directio with odd buffers: $path");
        is(get($t->port, $path, Range => 'bytes=4999-')->{body}, substr($content, 4999),
            "a part of it: $path");
    }
    $t->stop;
}

SKIP: {
    my $t = Test::Weir->new(name => 'huge');
    my $dir = -w '/dev/shm' ? "/dev/shm/weir-test-$$" : $t->dir . '/html/huge';
    my $most = 9223372036854775807;

    skip 'nginx answers with a length that cannot be', 1
        if skipped('huge', differs => 'the sum of the parts overflows');
    mkdir $dir or die "$dir: $!";
    open my $file, '>', "$dir/a" or die "$dir/a: $!";
    my $long = truncate $file, $most;
    close $file;
    if ($long) {
        $t->write_conf('worker_processes 1; events { } http { server {'
            . " listen 127.0.0.1:%%PORT%%; location / { alias $dir/; } } }");
        $t->start;
        my %wanted = (
            '0-9' => "206 10 bytes 0-9/$most", '-5' => '206 5 bytes '
                . "9223372036854775802-9223372036854775806/$most",
            '9223372036854775806-' => "206 1 bytes 9223372036854775806-9223372036854775806/$most",
            "0-$most" => "206 $most bytes 0-9223372036854775806/$most",
            "$most-" => "416 195 bytes */$most", '5-9223372036854775808' => "416 195 bytes */$most",
            '0-0,1-' => "200 $most ", '0-1,-9223372036854775804' => "200 $most ",
        );
        for my $range (sort keys %wanted) {
            my $conn = connection($t);
            $conn->write("HEAD /a HTTP/1.1\r\nHost: a\r\nRange: bytes=$range\r\n\r\n");
            my $answer = $conn->read_response(method => 'HEAD')
                // {status => 'none', header => {}};
            my $header = $answer->{header};
            is("$answer->{status} " . ($header->{'content-length'} // '') . ' '
                . ($header->{'content-range'} // ''), $wanted{$range}, "range $range");
        }
        $t->stop;
    }
    unlink "$dir/a";
    rmdir $dir;
    skip 'no file may be so long here', 1 unless $long;
}

# --- a limit of the size of files ---------------------------------------------------------------

SKIP: {
    my $t = Test::Weir->new(name => 'file size');

    skip 'only root may limit a worker, by prlimit', 1 if $> != 0 || !-x '/usr/bin/prlimit';
    skip 'it kills the worker', 1 if skipped('file size', differs => 'the signal is not ignored');
    $t->write_conf('user root; worker_processes 1; events { } http { client_max_body_size 10m;'
        . ' client_body_temp_path %%DIR%%/body; server { listen 127.0.0.1:%%PORT%%;'
        . ' location / { client_body_in_file_only clean; dav_methods PUT; } } }');
    skip 'this build has no dav', 1 if $t->run_conf('-t')->{err} =~ /"dav_methods"/;
    $t->start;
    my ($worker) = $t->worker_pids;
    skip 'no limit can be set here', 1
        if system('prlimit', "--pid=$worker", '--fsize=1000000:1000000') != 0;
    $t->allow_log(qr/pwrite\(\) of a request body failed \(27: /);
    is(request($t->port, 'PUT', '/a', body => 'x' x 2_000_000)->{status}, 500,
        'a body that is longer than a file may be');
    is(request($t->port, 'PUT', '/a', body => 'x')->{status}, 201, 'and one that is not');
    is(join(' ', $t->worker_pids), $worker, 'the worker is the same');
    my $gone = wait_for { !files($t->dir . '/body') } 10, 'the end of the file';
    ok($gone, 'no file is left');
    $t->stop;
}

# --- half a body in a file ----------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'half a body');

    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    client_body_temp_path %%DIR%%/body;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { client_body_in_file_only on; mirror /copy; return 200 ok; }
        location /put/ { client_body_in_file_only on; dav_methods PUT; }
        location = /copy { internal; return 204; }
    }
}
CONF
    SKIP: {
        skip 'this build has no dav', 1 if $t->run_conf('-t')->{err} =~ /"(dav_methods|mirror)"/;
        $t->start;
        my $conn = connection($t);
        $conn->write("PUT /put/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
            . 'x' x 50_000);
        wait_for { files($t->dir . '/body') == 1 } 10, 'the file';
        is(scalar files($t->dir . '/body'), 1, 'a body becomes a file');
        $conn->close;
        ok(wait_for(sub { !files($t->dir . '/body') }, 10, 'no file'), 'half of it is not kept');
        $t->stop;
    }
}

done_testing();
