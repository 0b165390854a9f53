# Access logs: formats, escaping, conditions, inheritance, buffers, compression, syslog, reopening,
# logs whose paths have variables.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use IO::Uncompress::Gunzip qw(gunzip);
use Socket qw(SOCK_DGRAM);
use Sys::Hostname qw(hostname);

# Waits until a log of the server has a line; true when it came.
sub logged
{
    my ($t, $file, $pattern) = @_;

    return wait_for { $t->access_log($file) =~ $pattern } 5, "$file: $pattern";
}

# --- what is written where ----------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'places');

    $t->write_file('html/a.txt', "a\n");
    $t->write_file('html/error.html', "error\n");
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format short '$request_uri $status';
    log_format other 'other $request_uri';
    access_log logs/http.log short;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /inherited { return 200; }
        location /off { access_log off; return 200; }
        location /own { access_log logs/own.log short; return 200; }
        location /two {
            access_log logs/own.log short;
            access_log logs/other.log other;
            location /two/inner { return 200; }
            return 200;
        }
        location /if { access_log logs/own.log short if=$arg_log; return 200; }
        location /in-if { if ($arg_quiet) { access_log off; return 201; } return 200; }
        location /except {
            limit_except GET { access_log logs/except.log short; deny all; }
        }
        location /moved { error_page 404 /error.html; }
        location = /error.html { access_log logs/error-page.log short; }
        location /combined { access_log logs/combined.log; return 200; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name second;
        access_log logs/second.log short;
        return 200;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name silent;
        access_log off;
        return 200;
    }
}
CONF
    $t->start;
    my @uris = qw(/inherited /off /own /two /two/inner /if?log=1 /if?log=0 /if /if?log=00 /in-if
        /in-if?quiet=1 /except/a.txt /moved /combined);
    get($t->port, $_) for @uris;
    request($t->port, 'POST', '/except/b.txt');
    get($t->port, "/$_", Host => $_) for qw(second silent);
    get($t->port, '/inherited?last');
    $t->stop;

    my $is = sub {
        my ($file, @want) = @_;
        is($t->access_log("logs/$file.log"), join('', map { "$_\n" } @want), "what is in $file");
    };
    $is->('http', '/inherited 200', '/in-if 200', '/except/a.txt 404', '/inherited?last 200');
    $is->('own', '/own 200', '/two 200', '/two/inner 200', '/if?log=1 200', '/if?log=00 200');
    $is->('other', 'other /two', 'other /two/inner');
    $is->('except', '/except/b.txt 403');
    $is->('error-page', '/moved 404');
    $is->('second', '/second 200');
    like($t->access_log('logs/combined.log'),
        qr{^127\.0\.0\.1 - - \[\S+ \S+\] "GET /combined HTTP/1\.1" 200 0 "-" "-"\n\z},
        'without a format it is combined');
}

# --- escaping -----------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'escaping');

    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format default '[$uri] [$arg_none] "text"';
    log_format default-too escape=default '[$uri]';
    log_format json escape=json '{"uri":"$uri","none":"$arg_none"}';
    log_format none escape=none '[$uri] [$arg_none]';
    log_format joined '${status}x' ' two' ' "$status$status"';
    access_log logs/default.log default;
    access_log logs/default-too.log default-too;
    access_log logs/json.log json;
    access_log logs/none.log none;
    access_log logs/joined.log joined;
    server { listen 127.0.0.1:%%PORT%%; return 200; }
}
CONF
    $t->start;
    get($t->port, '/a%22%5C%01%09%1F%7F%C3%A9b%0d%08%0c');
    $t->stop;
    is($t->access_log('logs/default.log'),
        '[/a\x22\x5C\x01\x09\x1F\x7F\xC3\xA9b\x0D\x08\x0C] [-] "text"' . "\n", 'default');
    is($t->access_log('logs/default-too.log'),
        '[/a\x22\x5C\x01\x09\x1F\x7F\xC3\xA9b\x0D\x08\x0C]' . "\n", 'escape=default');
    is($t->access_log('logs/json.log'),
        '{"uri":"/a\"\\\\\u0001\t\u001F' . "\x7F\xC3\xA9" . 'b\r\b\f","none":""}' . "\n",
        'escape=json');
    is($t->access_log('logs/none.log'), "[/a\"\\\x01\t\x1F\x7F\xC3\xA9b\r\b\f] []\n",
        'escape=none');
    is($t->access_log('logs/joined.log'), "200x two \"200200\"\n", 'a format in several parts');
}

# --- variables against what was sent ------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'variables');

    $t->write_file('html/a.txt', 'a' x 1000);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format sizes '$uri $status $bytes_sent $body_bytes_sent $request_length';
    log_format times '$msec $request_time $time_iso8601 [$time_local]';
    log_format connections '$connection $connection_requests $pipe';
    log_format sent '$sent_http_content_type $sent_http_x_own $http_x_in $request_completion';
    access_log logs/sizes.log sizes;
    access_log logs/times.log times;
    access_log logs/connections.log connections;
    access_log logs/sent.log sent;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { add_header X-Own own; }
    }
}
CONF
    $t->start(env => {TZ => 'WEIR-05:30'});
    my @requests = (['GET', "GET /a.txt HTTP/1.1\r\nHost: a\r\nX-In: in\r\n\r\n", 200],
        ['HEAD', "HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200],
        ['POST', "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405],
        ['GET', "GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n", 206]);
    my $conn = Test::Weir::Conn->new($t->port);
    my $before = int time;
    my @want;
    for my $request (@requests) {
        my ($method, $bytes, $status) = @$request;
        $conn->write($bytes);
        my $answer = $conn->read_response(method => $method);
        push @want, join ' ', '/a.txt', $status, length $answer->{raw},
            length $answer->{body}, length $bytes;
    }
    # All at once, on another connection.
    $conn = Test::Weir::Conn->new($t->port);
    $conn->write(join '', map { $_->[1] } @requests[0, 0, 0]);
    $conn->read_response for 1 .. 3;
    logged($t, 'logs/sent.log', qr/(?:.*\n){7}/);
    my $after = time;
    $t->stop;

    my @sizes = split /\n/, $t->access_log('logs/sizes.log');
    is(join("\n", @sizes[0 .. 3]), join("\n", @want), 'sizes are those on the wire');

    my @connections = map { [split ' '] } split /\n/, $t->access_log('logs/connections.log');
    is(join(' ', map { $_->[1] } @connections), '1 2 3 4 1 2 3', 'connection_requests');
    my %numbers = map { $_->[0] => 1 } @connections;
    is(scalar keys %numbers, 2, 'connection has one number for each');
    is(join('', map { $_->[2] } @connections), '.....pp', 'pipe is p for what came with another');

    my @sent = split /\n/, $t->access_log('logs/sent.log');
    is($sent[0], 'text/plain own in OK', 'fields of the request and of the answer');

    for my $line (split /\n/, $t->access_log('logs/times.log')) {
        my ($seconds, $year, $month, $day, $clock, $local) = $line =~
            /^(\d+\.\d{3}) \d+\.\d{3} (\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)\+05:30 \[(.+)\]$/;
        $month = (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[($month // 0) - 1];
        ok($seconds && $seconds >= $before && $seconds <= $after + 1, "msec: $line");
        is($local, "$day/$month/$year:$clock +0530", 'time_local is time_iso8601');
    }
}

# --- buffers and compression --------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'buffers');

    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format line '$request_uri';
    server {
        listen 127.0.0.1:%%PORT%%;
        location /plain { access_log logs/plain.log line; return 200; }
        location /buffer { access_log logs/buffer.log line buffer=4k; return 200; }
        location /flush { access_log logs/flush.log line buffer=64k flush=1s; return 200; }
        location /gzip { access_log logs/gzip.log line gzip; return 200; }
        location /gzip-best { access_log logs/best.log line gzip=9 buffer=4k flush=1s; return 200; }
        location /reopen { access_log logs/reopen.log line buffer=64k; return 200; }
        location /if { access_log logs/if.log line buffer=4k if=$arg_log; return 200; }
    }
}
CONF
    $t->start;
    my $long = 'x' x 500;
    my $log = sub { $t->access_log("logs/$_[0].log") };

    get($t->port, '/buffer?1');
    get($t->port, '/reopen?1');
    get($t->port, '/plain?1');
    ok(logged($t, 'logs/plain.log', qr{^/plain\?1\n}), 'without a buffer');
    is($log->('buffer'), '', 'a buffer that is not full is not written');
    get($t->port, "/buffer?$_$long") for 2 .. 12;
    ok(logged($t, 'logs/buffer.log', qr{^/buffer\?1\n}), 'a full one is');
    like($log->('buffer'), qr/\n\z/, 'in whole lines');

    get($t->port, '/flush?1');
    ok(logged($t, 'logs/flush.log', qr{^/flush\?1\n\z}), 'flush: after its time');

    # What is longer than the buffer goes past it, in order.
    get($t->port, '/if?log=1&' . 'y' x 5000);
    get($t->port, '/if?log=0&not');
    get($t->port, '/if?log=1&last');

    get($t->port, "/gzip?$_") for 1 .. 100;
    get($t->port, "/gzip-best?$_") for 1 .. 100;
    wait_for { length $log->('best') } 5, 'a compressed log';
    get($t->port, "/gzip-best?$_") for 101 .. 500;

    rename $t->dir . '/logs/reopen.log', $t->dir . '/logs/reopen.old';
    $t->signal('USR1');
    wait_for { -e $t->dir . '/logs/reopen.log' } 5, 'a new file';
    get($t->port, '/reopen?2');
    $t->stop;

    is($log->('buffer'), join('', "/buffer?1\n", map { "/buffer?$_$long\n" } 2 .. 12),
        'at the end all is written, in order');
    is($log->('if'), '/if?log=1&' . 'y' x 5000 . "\n/if?log=1&last\n", 'a line beyond the buffer');
    for my $case (['gzip', 'gzip', 100], ['best', 'gzip-best', 500]) {
        my ($file, $name, $count) = @$case;
        my $text;
        my $packed = $log->($file);
        gunzip(\$packed, \$text, MultiStream => 1);
        is($text, join('', map { "/$name?$_\n" } 1 .. $count), "$name: unpacked");
        cmp_ok(length $packed, '<', length $text, "$name: is smaller");
    }
    is($t->access_log('logs/reopen.old') . $log->('reopen'), "/reopen?1\n/reopen?2\n",
        'reopening loses nothing');
}

# --- reopening ----------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'reopening');

    $t->write_conf('worker_processes 2; events { } http { log_format line $request_uri;'
        . ' access_log logs/access.log line; server { listen 127.0.0.1:%%PORT%%; return 200; } }');
    $t->start;
    get($t->port, '/1');
    logged($t, 'logs/access.log', qr{^/1$}m);
    rename $t->dir . '/logs/access.log', $t->dir . '/logs/access.old';
    get($t->port, '/2');
    ok(logged($t, 'logs/access.old', qr{^/2$}m), 'a renamed file is written on');
    ok(!-e $t->dir . '/logs/access.log', 'and no new one is made');
    $t->signal('USR1');
    my $count = 2;
    wait_for {
        get($t->port, '/' . ++$count);
        length $t->access_log;
    } 5, 'the new file';
    wait_for {
        my @lines = map { split /\n/ } $t->access_log('logs/access.old'), $t->access_log;
        @lines == $count;
    } 5, 'all lines';
    my %seen = map { $_ => 1 } map { split /\n/ } $t->access_log('logs/access.old'), $t->access_log;
    is(join(' ', grep { !$seen{"/$_"} } 1 .. $count), '', 'no line is lost');
    $t->stop;
}

# --- paths with variables -----------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'paths with variables');

    # Workers make these files, whoever they are.
    $t->write_file("$_/", '', mode => 0777) for qw(logs/v logs/w logs/c);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format line '$request_uri';
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { access_log logs/v/$arg_name.log line; return 200; }
        location /no-root {
            root %%DIR%%/nowhere;
            access_log logs/w/$arg_name.log line;
            return 200;
        }
        location /cached {
            open_log_file_cache max=4 inactive=10s valid=1s min_uses=1;
            access_log logs/c/$arg_name.log line;
            return 200;
        }
        location /if { access_log logs/v/$arg_name.log line if=$arg_log; return 200; }
    }
}
CONF
    $t->start;
    get($t->port, "/?name=$_") for qw(one two one);
    get($t->port, '/if?name=not&log=0');
    get($t->port, '/if?name=if&log=1');
    get($t->port, '/no-root?name=lost');
    is($t->access_log('logs/v/one.log'), "/?name=one\n/?name=one\n", 'one')
        if logged($t, 'logs/v/one.log', qr/(?:.*\n){2}/);
    is($t->access_log('logs/v/two.log'), "/?name=two\n", 'two');
    ok(logged($t, 'logs/v/if.log', qr{^/if\?name=if}), 'with a condition that holds');
    ok(!-e $t->dir . '/logs/v/not.log', 'with one that does not hold');
    ok(!-e $t->dir . '/logs/w/lost.log', 'nothing is written where the root is no folder');

    rename $t->dir . '/logs/v/one.log', $t->dir . '/logs/v/one.old';
    get($t->port, '/?name=one');
    ok(logged($t, 'logs/v/one.log', qr{^/\?name=one\n\z}), 'a renamed file is left at once');

    for my $round (1 .. 3) {
        get($t->port, "/cached?name=$_&$round") for 1 .. 6;
    }
    for my $name (1 .. 6) {
        my $want = join '', map { "/cached?name=$name&$_\n" } 1 .. 3;
        ok(logged($t, "logs/c/$name.log", qr/\A\Q$want\E\z/), "open_log_file_cache: $name");
    }
    rename $t->dir . '/logs/c/6.log', $t->dir . '/logs/c/6.old';
    my $new = wait_for {
        get($t->port, '/cached?name=6&again');
        -e $t->dir . '/logs/c/6.log';
    } 10, 'a new file after the old one was checked';
    ok($new, 'open_log_file_cache: a renamed file is left after a while');
    $t->allow_log(qr{stat\(\) ".*/logs/c/6\.log" failed});
    $t->stop;
}

# --- syslog -------------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'syslog');
    my $udp = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Proto => 'udp')
        or die "no UDP socket: $!";
    my $local = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $t->dir . '/syslog')
        or die "no socket: $!";
    my $server = 'syslog:server=127.0.0.1:' . $udp->sockport;

    chmod 0777, $t->dir . '/syslog';
    $t->write_conf(<<"CONF");
worker_processes 1;
events { }
http {
    log_format line 'line \$request_uri';
    log_format words '\$args \$args \$args \$args end';
    server {
        listen 127.0.0.1:%%PORT%%;
        location /plain { access_log $server line; return 200; }
        location /named {
            access_log $server,facility=daemon,severity=error,tag=own_tag line;
            return 200;
        }
        location /silent { access_log $server,nohostname line; return 200; }
        location /local { access_log syslog:server=unix:%%DIR%%/syslog,tag=l line; return 200; }
        location /combined { access_log $server; return 200; }
        location /if { access_log $server line if=\$arg_log; return 200; }
        location /words { access_log $server words; return 200; }
        location /both { access_log $server line; access_log logs/both.log line; return 200; }
    }
}
CONF
    $t->start;
    my $message = sub {
        my ($socket) = @_;
        IO::Select->new($socket)->can_read(limit(5)) or return 'nothing';
        $socket->recv(my $text, 65_536);
        return $text;
    };
    my $date = qr/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/;
    my $host = quotemeta((hostname() =~ /^([^.]*)/)[0]) . '\S*';
    my $name = Test::Weir::program();
    my @cases = (
        ['/plain', $udp, qr{^<190>$date $host $name: line /plain$}],
        ['/named', $udp, qr{^<27>$date $host own_tag: line /named$}],
        ['/silent', $udp, qr{^<190>$date $name: line /silent$}],
        ['/local', $local, qr{^<190>$date $host l: line /local$}],
        ['/combined', $udp, qr{^<190>$date $host $name: 127\.0\.0\.1 - - \[.*"GET /combined HTTP}],
        ['/both', $udp, qr{: line /both$}],
        ['/words?' . 'w' x 5000, $udp, qr{$name: (?:w{5000} ){4}end$}],
        ['/if?log=1', $udp, qr{: line /if\?log=1$}],
    );
    get($t->port, '/if?log=0');
    for my $case (@cases) {
        my ($uri, $socket, $pattern) = @$case;
        get($t->port, $uri);
        like($message->($socket), $pattern, "a message about $uri");
    }
    ok(logged($t, 'logs/both.log', qr{^line /both\n\z}), 'and in a file as well');
    # Nobody listens any more: requests go on.
    close $udp;
    is(get($t->port, '/plain')->{status}, 200, "without a listener, $_") for 1 .. 3;
    $t->allow_log(qr/send\(\) failed|Connection refused/);
    $t->stop;
}

# --- many lines, long lines, files that take none -------------------------------------------------

{
    my $t = Test::Weir->new(name => 'trouble');

    $t->write_file('logs/v/', '', mode => 0777);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format line '$request_uri';
    log_format long '$args$args$args$args$args$args$args$args';
    large_client_header_buffers 4 16k;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /full { access_log /dev/full line; return 200; }
        location /full-buffer { access_log /dev/full line buffer=1k; return 200; }
        location /missing { access_log %%DIR%%/missing/$arg_name.log line; return 200; }
        location /long { access_log logs/long.log long; return 200; }
        location /packed { access_log logs/packed.log long gzip=9 buffer=100k; return 200; }
        location /shared { access_log logs/shared.log line; return 200; }
        location /shared-buffer { access_log logs/shared.log line buffer=4k; return 200; }
        location /no-format { access_log logs/own.log line if=$arg_a; return 200; }
        location /v { access_log logs/v/$arg_name.log line; return 200; }
    }
}
CONF
    $t->start;
    is(get($t->port, "/full?$_")->{status}, 200, "a disk that is full, $_") for 1 .. 20;
    is(get($t->port, '/full-buffer?' . 'x' x 600)->{status}, 200, "or with a buffer, $_")
        for 1 .. 4;
    wait_for { $t->error_log =~ m{\[alert\].*write\(\) to "/dev/full" failed \(28: } } 5, 'alert';
    my $alerts = () = $t->error_log =~ m{\[alert\].*write\(\)}g;
    cmp_ok($alerts, '<', 12, 'it is said now and then only');
    is(get($t->port, '/missing?name=a')->{status}, 200, 'a folder that is missing');
    ok(wait_for { $t->error_log =~ m{\[crit\].*open\(\) ".*/missing/a\.log" failed \(2: } },
        'is said');

    my $args = 'y' x 12_000;
    get($t->port, "/long?$_$args") for 1 .. 3;
    get($t->port, "/packed?$_$args") for 1 .. 9;
    get($t->port, '/shared?1');
    get($t->port, '/shared-buffer?2');
    get($t->port, '/shared?3');
    ok(logged($t, 'logs/long.log', qr/\A1.*\n2.*\n3.*\n\z/), 'lines longer than any buffer');
    is(length $t->access_log('logs/long.log'), 3 * (8 * 12_001 + 1), 'are whole');
    is($t->access_log('logs/shared.log'), '', 'all that write to a file share its buffer');
    $t->allow_log(qr{write\(\) to "/dev/full"|missing/a\.log});
    $t->stop;
    is($t->access_log('logs/shared.log'), "/shared?1\n/shared-buffer?2\n/shared?3\n", 'in order');
    my $text;
    my $packed = $t->access_log('logs/packed.log');
    gunzip(\$packed, \$text, MultiStream => 1);
    ok($text eq join('', map { "$_$args" x 8 . "\n" } 1 .. 9), 'long lines, packed');
}

{
    my $t = Test::Weir->new(name => 'pipes and names');

    if (!skipped('a pipe', differs => 'there the server waits for the reader, and for its opening')
    ) {
        my $pipe = $t->dir . '/pipe';
        require POSIX;
        POSIX::mkfifo($pipe, 0666) or die "mkfifo: $!";
        $t->write_file('logs/v/', '', mode => 0777);
        $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format line '$request_uri';
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { access_log %%DIR%%/pipe line; return 200; }
        location /v { access_log logs/v/$arg_name.log line; return 200; }
        location /pipe { access_log %%DIR%%/$arg_name line; return 200; }
    }
}
CONF
        sysopen my $reader, $pipe, POSIX::O_RDWR() | POSIX::O_NONBLOCK() or die "pipe: $!";
        $t->start;
        # More than a pipe and a buffer hold.
        get($t->port, "/$_" . 'x' x 1000) for 100 .. 299;
        my $read = '';
        my $again = wait_for {
            1 while sysread $reader, $read, 65_536, length $read;
            get($t->port, '/end');
            $read =~ m{^/end$}m;
        } 5, 'the pipe again';
        ok($again, 'a pipe that was full is written again');
        is(scalar(grep { !m{^/(?:end|\d{3}x{1000})$} } split /\n/, $read), 0, 'in whole lines');
        like($read, qr{\A/100x}, 'the oldest stay');
        get($t->port, '/v?name=../../outside');
        get($t->port, '/v?name=..');
        ok(logged($t, 'logs/v/...log', qr{^/v\?name=\.\.\n\z}), 'two dots in a name');
        ok(!-e $t->dir . '/outside.log', 'a variable does not lead out of the folder');
        like($t->error_log, qr{outside\.log" is refused for an access log}, 'and it is said');
        $t->allow_log(qr{write\(\) to ".*/pipe" failed});
        $t->stop;
    }
}

# --- subrequests --------------------------------------------------------------------------------

SKIP: {
    my $t = Test::Weir->new(name => 'subrequests');

    $t->write_file('html/a.txt', "a\n");
    $t->write_conf(<<'CONF');
events { }
http {
    log_format line '$uri $status';
    access_log logs/access.log line;
    auth_request /check;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { }
        location /logged/ { alias html/; auth_request /logged-check; }
        location = /check { return 204; }
        location = /logged-check { log_subrequest on; return 204; }
    }
}
CONF
    skip 'this build has no auth_request', 1 if $t->run_conf('-t')->{err} =~ /"auth_request"/;
    $t->start;
    is(get($t->port, '/a.txt')->{body}, "a\n", 'a request with a subrequest');
    is(get($t->port, '/logged/a.txt')->{body}, "a\n", 'another');
    $t->stop;
    is(join(' ', sort split /\n/, $t->access_log), '/a.txt 200 /logged-check 204 /logged/a.txt 200',
        'a subrequest is logged with log_subrequest only');
}

run_tests();

__DATA__

=== every variable of the log module
--- http_config
log_format all '$bytes_sent $connection $connection_requests $msec $pipe $request_length '
    '$request_time $status $time_iso8601 [$time_local]';
access_log logs/access.log all;
--- config
root html;
location / { return 200 "hello\n"; }
location /quiet { alias html; log_not_found off; }
location /loud { alias html; }
--- request
GET /
--- response_body
hello
--- access_log_like
^\d+ \d+ 1 \d+\.\d{3} \. \d+ \d+\.\d{3} 200 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]$

=== requests that cannot be read are logged as well
--- raw_request
G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n
--- error_code: 400
--- access_log_like
 400 \d{4}-

=== log_not_found
--- request
GET /loud/missing
--- error_code: 404
--- error_log
open() "%%DIR%%/html/missing" failed (2: No such file or directory)

=== log_not_found off
--- request
GET /quiet/missing
--- error_code: 404
--- access_log_like
 404 \d{4}-
--- no_error_log
(2: No such file or directory)

=== combined with a user, a referer and an agent
--- config
location / { return 200 "hello\n"; }
--- request
GET /path?query
Authorization: Basic dXNlcjpwYXNzd29yZA==
Referer: http://example.com/
User-Agent: agent/1.0 ("quoted")
--- response_body
hello
--- access_log_like
^127\.0\.0\.1 - user \[[^\]]+\] "GET /path\?query HTTP/1\.1" 200 6 "http://example\.com/" "agent/1\.0 \(\\x22quoted\\x22\)"$

=== a format that is defined later than it is used
--- http_config
access_log logs/access.log later;
log_format later '$uri';
--- config
location / { return 200; }
--- conf_error
[emerg] unknown log format "later" in %%CONF%%:

=== a format of the same name
--- http_config
log_format one '$uri';
log_format one '$args';
--- conf_error
[emerg] duplicate "log_format" name "one" in %%CONF%%:

=== combined cannot be defined anew
--- http_config
log_format combined '$uri';
--- conf_error
[emerg] duplicate "log_format" name "combined" in %%CONF%%:

=== a variable that nobody knows
--- http_config
log_format one '$uri $no_such_variable';
--- conf_error
[emerg] unknown "no_such_variable" variable

=== an escaping that nobody knows
--- http_config
log_format one escape=xml '$uri';
--- conf_error
[emerg] unknown log format escaping "xml" in %%CONF%%:

=== a buffer of nothing
--- config
access_log logs/one.log combined buffer=0;
--- conf_error
[emerg] invalid buffer size "0" in %%CONF%%:

=== flush without a buffer
--- config
access_log logs/one.log combined flush=1s;
--- conf_error
[emerg] no buffer is defined for access_log "logs/one.log" in %%CONF%%:

=== a time that is none
--- config
access_log logs/one.log combined buffer=4k flush=soon;
--- conf_error
[emerg] invalid flush time "soon" in %%CONF%%:

=== a level of compression that is none
--- config
access_log logs/one.log combined gzip=10;
--- conf_error
[emerg] invalid compression level "10" in %%CONF%%:

=== a parameter that nobody knows
--- config
access_log logs/one.log combined size=7;
--- conf_error
[emerg] invalid parameter "size=7" in %%CONF%%:

=== off stands alone
--- config
access_log off combined;
--- conf_error
[emerg] invalid parameter "combined" in %%CONF%%:

=== a buffer for a path with variables
--- config
access_log logs/$host.log combined buffer=4k;
--- conf_error
[emerg] buffered logs cannot have variables in name in %%CONF%%:

=== one file with two buffers
--- config
access_log logs/one.log combined buffer=4k;
location / { access_log logs/one.log combined buffer=8k; }
--- conf_error
[emerg] access_log "logs/one.log" already defined with conflicting parameters in %%CONF%%:

=== one file, described twice alike
--- config
access_log logs/one.log combined buffer=4k flush=1m;
location / { access_log logs/one.log combined buffer=4k flush=1m; }
--- conf_ok

=== a syslog without a server
--- config
access_log syslog:facility=user;
--- conf_error
[emerg] no syslog server specified in %%CONF%%:

=== a facility that nobody knows
--- config
access_log syslog:server=127.0.0.1,facility=kitchen;
--- conf_error
[emerg] unknown syslog facility "kitchen" in %%CONF%%:

=== a severity that nobody knows
--- config
access_log syslog:server=127.0.0.1,severity=awful;
--- conf_error
[emerg] unknown syslog severity "awful" in %%CONF%%:

=== a tag with signs that are not allowed
--- config
access_log syslog:server=127.0.0.1,tag=a-b;
--- conf_error
[emerg] syslog "tag" only allows alphanumeric characters and underscore in %%CONF%%:

=== a tag that is too long
--- config
access_log syslog:server=127.0.0.1,tag=abcdefghijklmnopqrstuvwxyz1234567;
--- conf_error
[emerg] syslog tag length exceeds 32 in %%CONF%%:

=== a syslog parameter that nobody knows
--- config
access_log syslog:server=127.0.0.1,colour=red;
--- conf_error
[emerg] unknown syslog parameter "colour=red" in %%CONF%%:

=== syslog has no buffer
--- config
access_log syslog:server=127.0.0.1 combined buffer=4k;
--- conf_error
[emerg] logs to syslog cannot be buffered in %%CONF%%:

=== open_log_file_cache without a size
--- config
open_log_file_cache inactive=10s;
--- conf_error
[emerg] "open_log_file_cache" must have "max" parameter in %%CONF%%:

=== open_log_file_cache with a parameter that is not known
--- config
open_log_file_cache max=10 colour=red;
--- conf_error
[emerg] invalid "open_log_file_cache" parameter "colour=red" in %%CONF%%:
