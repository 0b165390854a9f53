#!/usr/bin/perl

# The logs: levels, targets, inheritance, what a line looks like, and opening the files anew.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_DGRAM);
use Test::Weir;
use Test::Weir::Util qw(poll_until slurp);
use Time::Local qw(timegm);

my $name = Test::Weir::program();
my $line = qr/\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[\w+\] (\d+)#\1: /;

my $http = "http { server { listen 127.0.0.1:%%PORT%%; location / { root html; } } }\n";

# One test: the condition comes true in time.
sub comes(&$)
{
    my ($condition, $what) = @_;

    return ok(poll_until(undef, $condition), $what);
}

# The lines of a log that have this text.
sub lines
{
    my ($t, $log, $text) = @_;

    return grep { /$text/ } split /\n/, $t->error_log("logs/$log");
}

sub missing
{
    my ($t, $path, @headers) = @_;

    return get($t->port, $path, @headers)->{status};
}

# --- levels, several targets, inheritance ---------------------------------------------------------

my @levels = qw(emerg alert crit error warn notice info);

{
    my $t = Test::Weir->new(name => 'levels');
    my $targets = join '', map { "error_log logs/$_.log $_;\n" } @levels;
    $t->write_conf(<<"END");
worker_processes 1;
${targets}error_log logs/plain.log;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { root html; }
        location /own { error_log logs/own.log; root html; }
        location /crit { error_log logs/own-crit.log crit; root html; }
        location /two { error_log logs/two-a.log info; error_log logs/two-b.log emerg; root html; }
        location /outer {
            error_log logs/outer.log;
            location /outer/inner { root html; }
        }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        error_log logs/server.log notice;
        location / { root html; }
    }
}
END
    $t->start;
    my $pid = $t->{pid};
    $t->allow_log(qr/exited on signal 9/);
    is(missing($t, '/error'), 404, 'a request that fails');
    http($t->port, "garbage\r\n\r\n");
    my ($worker) = $t->worker_pids;
    kill KILL => $worker;
    comes { lines($t, 'info.log', 'exited on signal 9') } 'a worker that was killed is told';
    comes { my ($now) = $t->worker_pids; $now && $now != $worker } 'and replaced';
    my %count;
    for my $log (@levels, 'plain') {
        $count{$log} = join ' ', map { scalar lines($t, "$log.log", $_) }
            qr/\[alert\] $pid#$pid: worker process $worker exited on signal 9/,
            qr/\[error\] .*html\/error" failed/, qr/\[info\] .* client sent invalid/;
    }
    is_deeply(\%count, {emerg => '0 0 0', alert => '1 0 0', crit => '1 0 0', error => '1 1 0',
        warn => '1 1 0', notice => '1 1 0', info => '1 1 1', plain => '1 1 0'},
        'each log has its level and what is worse');
    cmp_ok(scalar(lines($t, 'notice.log', qr/\[notice\]/)), '>', 1, 'notices');
    is(scalar(lines($t, 'warn.log', qr/\[notice\]/)), 0, 'which are no warnings');

    missing($t, "/$_/x") for qw(own crit two outer outer/inner);
    is(get($t->port(1), '/server')->{status}, 404, 'a server with a log');
    for my $case (
        ['own.log', 'own/x'], ['two-a.log', 'two/x'], ['outer.log', 'outer/x'],
        ['outer.log', 'outer/inner/x'], ['server.log', 'server'],
        )
    {
        my ($log, $path) = @$case;
        is(scalar(lines($t, $log, qr/\[error\] .*html\/$path" failed/)), 1, "$path is in $log");
    }
    is($t->error_log("logs/$_.log"), '', "$_.log is empty") for qw(own-crit two-b);
    is(scalar(lines($t, 'info.log', qr/\/x" failed|\/server" failed/)), 0,
        'and not in those outside');
    $t->stop;
}

# --- what a line looks like -----------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'lines');
    $t->write_conf(<<'END');
worker_processes 1;
events { }
http {
    log_format odd '$remote_addr|$request|$http_x|$http_none|$arg_a|$uri|$status';
    access_log logs/combined.log;
    access_log logs/odd.log odd;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name first.example second.example;
        location / { root html; }
        location /none { access_log off; return 200; }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        location / { root html; }
    }
}
END
    $t->start(env => {TZ => 'UTC-5'}, cold => 1);
    my ($worker) = $t->worker_pids;
    my $html = $t->dir . '/html';
    my @start = ($line, qr/\*(\d+) open\(\) "\Q$html\E/);
    for my $case (
        ['/a', ['Host', 'second.example'],
            ', server: first.example, request: "GET /a HTTP/1.1", host: "second.example"'],
        ['/b?c=d', ['Host', 'Other.Example:80'],
            ', server: first.example, request: "GET /b?c=d HTTP/1.1", host: "Other.Example:80"'],
        )
    {
        my ($target, $headers, $rest) = @$case;
        my $path = $target =~ s/\?.*//r;
        missing($t, $target, @$headers);
        comes { lines($t, 'error.log', qr/^$start[0]$start[1]$path" failed/) } "$target is logged";
        my ($found) = lines($t, 'error.log', qr/html$path"/);
        like($found, qr/^$start[0]$start[1]$path" failed \(2: No such file or directory\)/,
            'with its error');
        like($found, qr/\), client: 127\.0\.0\.1\Q$rest\E$/, 'and with its context');
        like($found, qr/^\S+ \S+ \[error\] $worker#$worker: \*\d+ /, 'by a worker');
    }
    get($t->port(1), '/unnamed');
    comes { lines($t, 'error.log',
        qr/unnamed" failed .*, server: , request: /) } 'a server without names';
    http($t->port, "GET /old HTTP/1.0\r\n\r\n");
    comes { lines($t, 'error.log',
        qr/old" failed .*, request: "GET \/old HTTP\/1\.0"$/) } 'without a host';

    my ($one, $two) = map { my ($found) = lines($t, 'error.log',
        qr/html\/$_"/); $found =~ /\*(\d+)/ } 'a', 'b';
    cmp_ok($two, '>', $one, 'connections have numbers');
    my @time = (lines($t, 'error.log',
        qr/html\/a"/))[0] =~ /^(\d+)\/(\d+)\/(\d+) (\d+):(\d+):(\d+)/;
    my $ahead = timegm(@time[5, 4, 3, 2], $time[1] - 1, $time[0]) - time;
    is(sprintf('%.0f', $ahead / 3600), 5, 'the time is local');
    unlike((lines($t, 'error.log', qr/start worker process /))[0], qr/\*/,
        'none without a connection');

    missing($t, '/ref', Referer => 'http://a/b');
    my ($found) = lines($t, 'error.log', qr/html\/ref"/);
    like($found, qr/, host: "[^"]*", referrer: "http:\/\/a\/b"$/, 'with a referrer');
    http($t->port, "GET /bad HTTP/1.1\r\n\r\n");
    comes { lines($t, 'error.log',
        qr/\[info\] .*client sent HTTP\/1\.1 request without "Host" header/) }
        'a request that is wrong';
    ($found) = lines($t, 'error.log', qr/without "Host" header/);
    like($found, qr/request headers, client: [\d.]+, server: first\.example, /, 'with its context');

    # No line is longer than a page of a terminal, and each ends.
    missing($t, '/' . 'long/' x 700);
    comes { lines($t, 'error.log', qr/long\/long/) } 'a long request';
    is(scalar(grep { length > 2047 } split /\n/, $t->error_log), 0,
        'makes no line above 2048 bytes');
    like($t->error_log, qr/\n\z/, 'which ends');

    # What a client sends cannot drive a terminal, nor make a line.
    unless (skipped('control bytes in the error log', differs => 'nginx writes them as they are')) {
        http($t->port, "GET /c%01%0a%1b[2J%7f%ff HTTP/1.0\r\nHost: a\r\n\r\n");
        comes { lines($t, 'error.log', qr/html\/c\\x01\\x0A\\x1B\[2J\\x7F/) } 'control bytes';
        unlike($t->error_log, qr/[\x00-\x09\x0b-\x1f\x7f]/, 'are never written as they are');
    }

    # The access log.
    my $time = qr/\d\d\/[A-Z]\w\w\/\d{4}:\d\d:\d\d:\d\d \+0500/;
    my $combined = qr/"GET \/combined HTTP\/1\.1" 404 \d+ "x\\xE4" "a \\x22b\\x22 \\x5C"/;
    missing($t, '/combined', 'User-Agent' => 'a "b" \\', Referer => "x\xe4");
    comes {
        $t->access_log('logs/combined.log') =~ qr/^127\.0\.0\.1 - - \[$time\] $combined$/m
    } 'a line in the combined format' or diag($t->access_log('logs/combined.log'));
    for my $case (
        ["GET /x?a=%20%22 HTTP/1.0\r\nX: a\"b\\c'\r\n\r\n",
            q{GET /x?a=%20%22 HTTP/1.0|a\x22b\x5Cc'|-|%20%22|/x|404}],
        ["GET /%22%5c%01%7f%ff%e4 HTTP/1.0\r\nX:\r\n\r\n",
            q{GET /%22%5c%01%7f%ff%e4 HTTP/1.0||-|-|/\x22\x5C\x01\x7F\xFF\xE4|404}],
        ["GET /t?a= HTTP/1.0\r\nX: \x80\xfe\xff\r\n\r\n",
            q{GET /t?a= HTTP/1.0|\x80\xFE\xFF|-||/t|404}],
        ["garbage\r\n\r\n", 'garbage|-|-|-|-|400'],
        ["\x16\x03\x01\x02\r\n\r\n", '\x16\x03\x01\x02|-|-|-|-|400'],
        )
    {
        my ($bytes, $expected) = @$case;
        http($t->port, $bytes);
        comes { $t->access_log('logs/odd.log') =~ /^127\.0\.0\.1\|\Q$expected\E$/m }
            "access log: $expected" or diag($t->access_log('logs/odd.log'));
    }
    get($t->port, '/none');
    get($t->port, '/after');
    comes { $t->access_log('logs/odd.log') =~ /GET \/after / } 'the request after';
    unlike($t->access_log("logs/$_.log"), qr/GET \/none /,
        "off: not in $_.log") for qw(odd combined);
    $t->stop;
}

# A client that causes the same line again and again: ten a second, and a count of the rest.
unless (skipped('lines that repeat', differs => 'nginx writes them all')) {
    my $t = Test::Weir->new(name => 'repeated');
    $t->write_conf("events { }\n$http");
    $t->start;
    my $sent = 100;
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("GET /missing HTTP/1.1\r\nHost: a\r\n\r\n" x $sent);
    $conn->read_response for 1 .. $sent;
    comes {
        $sent++;
        missing($t, '/missing');
        my @found = lines($t, 'error.log', qr/missing" failed/);
        my ($left_out) = (0);
        /\((\d+) more like this were left out\)/ and $left_out += $1 for @found;
        $left_out && @found < 60 && @found + $left_out == $sent;
    } 'every line is there or counted';
    $conn->close;
    $t->stop;
}

# --- debug_connection -----------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'debug_connection');
    $t->write_conf(<<'END');
worker_processes 1;
error_log logs/error.log error;
events { debug_connection 127.0.0.2; debug_connection 127.0.1.0/24; }
http { server { listen 127.0.0.1:%%PORT%%; location / { root html; } } }
END
    $t->start;
    for my $from ('127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.1.77') {
        my $conn = Test::Weir::Conn->new($t->port, local => $from);
        $conn->write("$from\r\n\r\n");
        $conn->read_all;
        $conn = Test::Weir::Conn->new($t->port, local => $from);
        $conn->write("GET /from-$from HTTP/1.0\r\n\r\n");
        $conn->read_all;
        comes { lines($t, 'error.log', qr/from-$from" failed/) } "$from: errors are logged";
        my ($number) = (lines($t, 'error.log', qr/from-$from" failed/))[0] =~ /\*(\d+)/;
        $number--;
        my $chosen = $from eq '127.0.0.2' || $from eq '127.0.1.77';
        is(scalar(lines($t, 'error.log', qr/\[info\] .*\*$number client sent invalid/)),
            $chosen ? 1 : 0,
            "$from: " . ($chosen ? 'and more' : 'and no more'));
    }
    my @others = grep { !/signal process started/ }
        lines($t, 'error.log', qr/\[(?:notice|info|debug)\] \d+#\d+: [^*]/);
    is("@others", '', 'nothing else is');
    $t->stop;
}

# --- targets that are no files --------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'stderr');
    $t->write_conf("error_log stderr info;\nerror_log logs/error.log;\nevents { }\n$http");
    $t->start;
    missing($t, '/x');
    comes { $t->stderr =~ /^$line\*\d+ open\(\) .*html\/x" failed/m } 'stderr: of a worker';
    like($t->stderr, qr/^$line.*start worker process/m, 'stderr: and of the master');
    $t->write_conf("error_log stderr;\nerror_log logs/error.log;\nevents { }\n$http");
    is(($t->reload)[0], 0, 'stderr: a reload');
    missing($t, '/y');
    comes { $t->stderr =~ /html\/y" failed/ } 'stderr: after a reload';
    is(scalar(lines($t, 'error.log', qr/html\/[xy]" failed/)), 2, 'stderr: and the file beside it');
    $t->signal('USR1');
    missing($t, '/z');
    comes { $t->stderr =~ /html\/z" failed/ } 'stderr: after USR1';
    $t->stop;
}

# What came on a datagram socket since the last call.
sub datagrams
{
    my ($socket) = @_;
    my @got;

    $socket->blocking(0);
    while (defined $socket->recv(my $text, 65536)) { push @got, $text }
    return @got;
}

{
    my $t = Test::Weir->new(name => 'syslog');
    my $udp = IO::Socket::IP->new(LocalHost => '127.0.0.1', Proto => 'udp') or die "udp: $!";
    my $path = $t->dir . '/syslog';
    my $local = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "unix: $!";
    my $port = $udp->sockport;
    chmod 0777, $path;
    $t->write_conf(<<"END");
worker_processes 1;
error_log syslog:server=127.0.0.1:$port notice;
error_log syslog:server=unix:$path,facility=user,tag=some_Tag9,nohostname info;
error_log logs/error.log;
events { }
http {
    access_log syslog:server=127.0.0.1:$port;
    access_log syslog:server=127.0.0.1:$port,severity=warn,facility=local0,tag=acc,nohostname;
    access_log syslog:server=unix:$path,tag=,nohostname,severity=debug;
    server { listen 127.0.0.1:%%PORT%%; location / { root html; } }
}
END
    $t->start;
    missing($t, '/some', 'User-Agent' => "a\"\xff");
    http($t->port, "garbage\r\n\r\n");
    my (@udp, @local);
    comes { push @udp, datagrams($udp); push @local, datagrams($local);
        2 == grep({ /garbage/ } @udp) && grep { / : .*garbage/ } @local } 'syslog: all have come';
    my $host = (POSIX::uname())[1];
    my $date = qr/[A-Z][a-z][a-z] [ 1-3]\d \d\d:\d\d:\d\d/;
    my $access = qr/127\.0\.0\.1 - - \[[^]]+\] "GET \/some HTTP\/1\.1" 404 \d+ "-" "a\\x22\\xFF"/;
    my $error = qr/\*\d+ open\(\) "[^"]*html\/some" failed \(2: No such file .*\), client: .*/;
    my ($tagged) = grep { /html\/some/ } @local;
    is(scalar(grep { /^<187>$date \Q$host\E $name: ${line}$error\z/ } @udp), 1, 'syslog: an error');
    is(scalar(grep { /^<190>$date \Q$host\E $name: $access\z/ } @udp), 1, 'syslog: a request');
    is(scalar(grep { /^<132>$date acc: $access\z/ } @udp), 1, 'syslog: with its own parameters');
    cmp_ok(scalar(grep { /^<189>$date \Q$host\E $name: ${line}start worker process/ } @udp), '>', 0,
        'syslog: of the master');
    is(scalar(grep { /client sent invalid/ } @udp), 0, 'syslog: by level');
    is(scalar(grep { /^<11>$date some_Tag9: ${line}$error\z/ } @local), 1,
        'syslog: to a unix socket');
    is(scalar(grep { /^<14>$date some_Tag9: ${line}\*\d+ client sent invalid/ } @local), 1,
        'syslog: there with more');
    is(scalar(grep { /^<191>$date : $access\z/ } @local), 1, 'syslog: without a tag');
    unlike(join('', @udp, @local), qr/\n/, 'syslog: without line ends');

    # Nobody listens any more: the server does not care.
    close $local;
    unlink $path;
    is(missing($t, '/other'), 404, 'syslog: without a receiver');
    comes { lines($t, 'error.log', qr/html\/other/) } 'syslog: the others get it';
    # nginx complains of it.
    $t->allow_log(qr/(?:send|connect)\(\) failed/);
    $t->stop;
}

unless (skipped('memory', differs => 'that of nginx is seen with a debugger only')) {
    my $t = Test::Weir->new(name => 'memory');
    $t->write_conf("error_log memory:4k info;\nerror_log logs/error.log;\nevents { }\n$http");
    $t->start;
    missing($t, '/in-memory');
    my ($fd) = grep { (readlink // '') =~ /memfd:weir-log/ } glob "/proc/$t->{pid}/fd/*";
    if ($> == 0) {
        ok($fd, 'memory: a descriptor of the master');
        comes { slurp($fd) =~ /start worker process.*html\/in-memory" failed/s }
            'memory: lines of all processes';
        is(length slurp($fd), 4096, 'memory: of the size that was asked for');
        http($t->port, "garbage\r\n\r\n") for 1 .. 60;
        comes { slurp($fd) !~ /html\/in-memory/ } 'memory: old lines are overwritten';
        is(length slurp($fd), 4096, 'memory: it does not grow');
    }
    $t->stop;
}

# --- opening files anew ---------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'reopened');
    my $logs = $t->dir . '/logs';
    my @files = ('error.log', 'access.log', 'own.log');
    my $n = 0;
    $t->write_conf(<<'END');
worker_processes 2;
error_log logs/error.log info;
events { }
http {
    access_log logs/access.log;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { root html; }
        location /own { root html; error_log logs/own.log; }
    }
}
END
    $t->start;

    # A request that is new to all logs: which of them got it?
    my $got = sub {
        my ($suffix) = @_;
        $n++;
        missing($t, "/request-$n");
        missing($t, "/own/request-$n");
        return join ' ', map { my $file = $_;
            (slurp("$logs/$file$suffix") // '') =~ /request-$n\b/ ? $file : () } @files;
    };
    my $all = join ' ', @files;
    comes { $got->('') eq $all } 'each log is written';
    for my $how ('USR1', '-s reopen', 'removed') {
        my $suffix = '.old';
        for my $file (@files) {
            $how eq 'removed' ? unlink "$logs/$file" : rename "$logs/$file", "$logs/$file$suffix";
        }
        is($got->($suffix), $all, "$how: until then the old files are written")
            unless $how eq 'removed';
        is(scalar(grep { -e "$logs/$_" } @files), 0, "$how: and no new ones");
        if ($how eq 'USR1') {
            $t->signal('USR1');
        } else {
            is($t->run_cli('-p', $t->dir, '-c', 'conf/weir.conf', '-e', 'stderr',
                '-g', $t->{text} =~ /^pid / ? '' : 'pid logs/weir.pid;', '-s',
                    'reopen')->{status}, 0, "$how: -s");
        }
        comes { @files == grep { -e "$logs/$_" } @files } "$how: new files";
        comes { $got->('') eq $all } "$how: are written";
        is(sprintf('%o', (stat "$logs/access.log")[2] & 07777), '644', "$how: mode");
        next if $> != 0;
        my ($worker) = $t->worker_pids;
        my $uid = (stat "/proc/$worker")[4];
        ($uid) = slurp("/proc/$worker/status") =~ /^Uid:\s+(\d+)/m;
        is_deeply([map { (stat "$logs/$_")[4] } @files], [($uid) x @files],
            "$how: of the workers' user");
    }

    # A file that cannot be opened: the old one goes on.
    my $own = "$logs/own.log";
    rename $own, "$own.kept" or die "rename: $!";
    mkdir $own or die "mkdir: $!";
    $t->allow_log(qr/open\(\) "\Q$own\E" failed \(21: Is a directory\)/);
    $t->signal('USR1');
    comes { lines($t, 'error.log',
        qr/\[emerg\] .*open\(\) "\Q$own\E" failed \(21: Is a directory\)/) }
        'what cannot be opened is told';
    missing($t, '/own/kept');
    comes { (slurp("$own.kept") // '') =~ /own\/kept" failed/ } 'the old file goes on';
    rmdir $own;

    unless (skipped('USR1 to a worker', differs => 'a worker of nginx may have to be allowed to')) {
        rename "$logs/access.log", "$logs/access.log.old";
        kill USR1 => ($t->worker_pids)[0];
        comes { -e "$logs/access.log" } 'USR1 to a worker: a new file';
        comes { $got->('') =~ /access\.log/ } 'USR1 to a worker: is written';
    }
    $t->stop;
}

# --- what is refused ------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'refused');
    my $server = 'syslog:server=127.0.0.1';
    $t->write_conf("events { }\n");
    for my $case (
        ['logs/a.log loud', 'invalid log level "loud"'],
        ['logs/a.log INFO', 'invalid log level "INFO"'],
        ['logs/a.log stderr', 'invalid log level "stderr"'],
        ['logs/a.log info debug', 'duplicate log level "debug"'],
        ['stderr info info', 'duplicate log level "info"'],
        ['', 'invalid number of arguments in "error_log" directive'],
        ['memory:', 'invalid buffer size ""'],
        ['memory:1', 'invalid buffer size "1"'],
        ['memory:1g', 'invalid buffer size "1g"'],
        ['syslog:', 'unknown syslog parameter ""'],
        ['syslog:nohostname', 'no syslog server specified'],
        ['syslog:server=', 'no host in syslog server ""'],
        ['syslog:server=:514', 'no host in syslog server ":514"'],
        ['syslog:server=unix:', 'no path in the unix domain socket in syslog server "unix:"'],
        ["$server:99999", 'invalid port in syslog server "127.0.0.1:99999"'],
        ['syslog:server=host.invalid', 'host not found in syslog server "host.invalid"'],
        ["$server,server=127.0.0.2", 'duplicate syslog "server"'],
        ["$server,tag=a,tag=b", 'duplicate syslog "tag"'],
        ["$server,facility=user,facility=user", 'duplicate syslog "facility"'],
        ["$server,severity=info,severity=info", 'duplicate syslog "severity"'],
        ["$server,facility=x", 'unknown syslog facility "x"'],
        ["$server,severity=", 'unknown syslog severity ""'],
        ["$server,tag=a-b", 'syslog "tag" only allows alphanumeric characters and underscore'],
        ["$server,tag=" . 'a' x 33, 'syslog tag length exceeds 32'],
        ["$server,nohostname=1", 'unknown syslog parameter "nohostname=1"'],
        ["$server,tag", 'unknown syslog parameter "tag"'],
        ["$server,", 'unknown syslog parameter ""'],
        )
    {
        my ($args, $expected) = @$case;
        my $run = $t->run_cli('-p', $t->dir, '-c', 'conf/weir.conf', '-e', 'logs/start.log', '-t',
            '-g', "pid logs/a.pid; error_log $args;");
        is($run->{status}, 1, "error_log $args;");
        like($run->{err}, qr/^$name: \[emerg\] \Q$expected\E in command line$/m, $expected);
    }
    for my $args ("$server,nohostname,nohostname", "$server,tag=" . 'a' x 32,
        'syslog:server=localhost', 'syslog:server=127.1',
        'syslog:server=[::1]:5140', 'syslog:server=unix:/x/y', 'memory:32k debug', "''", 'off') {
        my $run = $t->run_cli('-p', $t->dir, '-c', 'conf/weir.conf', '-e', 'logs/start.log', '-t',
            '-g', "pid logs/a.pid; error_log $args;");
        is($run->{status}, 0, "error_log $args;") or diag($run->{err});
    }
}

done_testing();
