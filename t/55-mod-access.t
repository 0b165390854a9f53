# Who may have what: allow and deny, passwords, a subrequest that decides, all of them together
# under satisfy, and the address of a client that proxies tell.
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Socket qw(AF_INET6 SOCK_STREAM);
use Test::Weir;

sub basic
{
    return Authorization => 'Basic ' . encode_base64($_[0], '');
}

# Bytes of a request on a connection that is given; the whole answer.
sub ask
{
    my ($to, $bytes) = @_;
    my $conn = Test::Weir::Conn->new($to);

    $conn->write($bytes);
    return $conn->read_all;
}

# --- passwords ----------------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'passwords');

    $t->write_file('html/a.txt', "text\n");
    my @made = map {
        my ($option, $user) = @$_;
        chomp(my $line = qx(htpasswd -nb$option $user pw 2>/dev/null));
        $line =~ s/\s+\z//;
        $line;
    } ['m', 'made-md5'], ['B', 'made-bcrypt'], ['s', 'made-sha'], ['d', 'made-des'];
    like($_, qr/^made-\w+:./, "htpasswd: $_") for @made;
    my $lines = join "\n", @made, <<'USERS' . 'last:{PLAIN}pw';
bare:pw
plain:{PLAIN}pw
#commented:{PLAIN}pw
 blank:{PLAIN}pw
two:{PLAIN}one
two:{PLAIN}pw
rest:{PLAIN}pw:more:stuff
empty:
emptyplain:{PLAIN}
nocolon
:{PLAIN}pw
plain2
plain2:{PLAIN}pw
sha:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=
ssha:{SSHA}K/qCHdTzr1rftXNEV4Ob7XsySBlzYWx0
sshabad:{SSHA}!!!
sshashort:{SSHA}YWJj
smallsha:{sha}GpHWL3ymc5liWkNopqtdSjuqYHM=
smd5:{SMD5}abc
apr1:$apr1$1KzoiTlR$EsyKan.eDpF3QTrBxhvmw.
bcrypt:$2y$05$0VKoQdK9jG7zetWUA8lggueeYcSZaI8CAQ5gcsIrdgzYJFnJS58Fi
des:hGp9TKojeOr0s
sha256:$5$abc$/LKlXd6vuvdFX3oWbf2vGk3DgflzzsvOtMZsiOxqqY5
sha512:$6$abc$MtSdWSZbhct2oe.SOqOUM2M/GA/uj5.vyVtJgRHgKi9uqXuWuJqOYE7H/YlsYGVg/YYzDV0xt3fEIwYt580.5.
md5:$1$abc$Kb85XxsXB.VXinPhbS4431
star:*
failed:*0
unknown:x
withcr:{PLAIN}pw
USERS
    my $users = $t->dir . '/conf/users';
    $t->write_file('conf/users', $lines =~ s/^(withcr.*)/$1\r/mr);
    $t->write_file('conf/long', ('x' x 5000) . ":{PLAIN}pw\n" . "# a comment\n" x 2000
        . "far:{PLAIN}pw\nlong:{PLAIN}" . ('p' x 2000) . "\nbehind:{PLAIN}pw\n");
    $t->write_file('conf/secret', "plain:{PLAIN}pw\n", mode => 0600);
    $t->write_conf(<<'CONF');
error_log logs/error.log info;
events { }
http {
    log_format user '$uri [$remote_user] $status';
    access_log logs/access.log user;
    server {
        listen 127.0.0.1:%%PORT%%;
        auth_basic "a realm";
        auth_basic_user_file users;
        location / { }
        location /long/ { auth_basic_user_file long; alias html/; }
        location /missing { auth_basic_user_file missing; }
        location /folder { auth_basic_user_file /; }
        location /variable/ {
            auth_basic $arg_realm;
            auth_basic_user_file $arg_file;
            alias html/;
        }
        location /off/ { auth_basic off; alias html/; }
        location /open/ { alias html/; location /open/inner/ { auth_basic "inner"; alias html/; } }
        location /quoted { auth_basic 'a "quoted" \ realm'; }
        location /empty { auth_basic ""; }
        location /page { error_page 401 /off/a.txt; }
        location /okpage { error_page 401 =200 /off/a.txt; }
        location /twice { error_page 401 /quoted; }
        location /only { auth_basic_user_file users; }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        auth_basic "a realm";
        location / { }
    }
    server {
        listen 127.0.0.1:%%PORT2%%;
        auth_basic_user_file users;
        location / { }
    }
}
CONF
    $t->start;
    my $port = $t->port;
    my $status = sub { get($port, $_[0], basic($_[1]))->{status} };

    my @good = qw(made-md5 made-bcrypt made-sha made-des plain rest plain2 sha ssha apr1 bcrypt des
        sha256 sha512 md5 withcr last);
    is($status->('/a.txt', "$_:pw"), 200, "$_ with the right password") for @good, ' blank';
    is($status->('/a.txt', "$_:Pw"), 401, "$_ with a wrong one") for @good;
    is($status->('/a.txt', "$_:"), 401, "$_ with an empty one") for @good;
    is($status->('/a.txt', "$_:pw"), 401, "no way in for \"$_\"") for 'bare', 'commented',
        '#commented', 'blank', 'two', 'empty', 'emptyplain', 'nocolon', '', 'sshabad', 'sshashort',
        'smallsha', 'smd5', 'star', 'failed', 'unknown', 'nobody', 'plai', 'plain3', 'Plain';
    is($status->('/a.txt', 'two:one'), 200, 'the first line of a name counts');
    is($status->('/a.txt', 'emptyplain:'), 200, 'an empty password where it is said so');
    is($status->('/a.txt', 'empty:'), 401, 'but not where there is none');
    is($status->('/a.txt', "$_->[0]:$_->[1]"), 401, "a hash is no password: $_->[0]")
        for ['star', '*'], ['failed', '*0'], ['failed', '*1'], ['unknown', 'x'],
            ['des', 'hGp9TKojeOr0s'];
    is($status->('/long/a.txt', 'far:pw'), 200, 'a line far down');
    is($status->('/long/a.txt', 'behind:pw'), 200, 'behind one that is too long');
    is($status->('/long/a.txt', ('x' x 5000) . ':pw'), 200, 'a long name');

    my @fields = (
        ['Basic', 401], ['Basic ', 401], ['Basic  cGxhaW46cHc=', 200], ['basic cGxhaW46cHc=', 200],
        ['BASIC cGxhaW46cHc', 200], ['Basic cGxhaW4', 401], ['Basic !!!!', 401],
        ['Bearer cGxhaW46cHc=', 401], ['Basic OnB3', 401], ["Basic\tcGxhaW46cHc=", 401],
        ['Basic cGxhaW4 OnB3', 401], ['Basic cGxhaW46cHc=xyz', 200],
        ['Basic ' . encode_base64("plain\0:pw", ''), 401], ['Basic ' . ('A' x 6001), 401],
    );
    is(get($port, '/a.txt', Authorization => $_->[0])->{status}, $_->[1],
        'Authorization: ' . substr($_->[0], 0, 40)) for @fields;

    my $challenge = sub { get($port, $_[0])->{header}{'www-authenticate'} };
    is($challenge->('/a.txt'), 'Basic realm="a realm"', 'the challenge');
    is($challenge->('/quoted'), 'Basic realm="a "quoted" \ realm"', 'the realm is as it is');
    is($challenge->('/empty'), 'Basic realm=""', 'an empty realm');
    is($challenge->('/variable/a.txt?realm=R'), 'Basic realm="R"', 'a realm with a variable');
    is($challenge->('/open/inner/a.txt'), 'Basic realm="inner"', 'a realm of its own');
    is($challenge->('/page'), 'Basic realm="a realm"', 'it stays with an error page');
    is(get($port, '/page')->{body}, "text\n", 'which is the body');
    is(get($port, '/okpage')->{status}, 200, 'and may have another status');
    is($challenge->('/okpage'), 'Basic realm="a realm"', 'still with the challenge');
    is($challenge->('/twice'), 'Basic realm="a "quoted" \ realm"', 'one challenge, not two');
    is(get($port, '/a.txt', basic('plain:pw'))->{header}{'www-authenticate'}, undef,
        'none for who may have it');

    is($status->("/variable/a.txt?realm=R&file=$users", 'plain:pw'), 200, 'a file by a variable');
    is($status->('/variable/a.txt?realm=R&file=/nowhere', 'plain:pw'), 403, 'which is not there');
    is(get($port, '/variable/a.txt?realm=off')->{status}, 200, 'a variable says off');
    is(get($port, '/off/a.txt')->{status}, 200, 'off');
    is($status->('/missing', 'plain:pw'), 403, 'no such file');
    is(get($port, '/missing')->{status}, 401, 'but it is asked for a password first');
    $t->allow_log(qr/pread\(\) "\/" failed \(21: /);
    is($status->('/folder', 'plain:pw'), 500, 'a folder');
    if ($> == 0) {
        $t->allow_log(qr/open\(\) "[^"]*secret" failed \(13: /);
        my $file = $t->dir . '/conf/secret';
        is($status->("/variable/a.txt?realm=R&file=$file", 'plain:pw'), 500, 'may not be read');
    }
    is(get($t->port(1), '/a.txt')->{status}, 200, 'without a file nobody is asked');
    is(get($t->port(2), '/a.txt')->{status}, 200, 'nor without a realm');

    $t->write_file('conf/users', "plain:{PLAIN}new\n");
    is($status->('/a.txt', 'plain:pw'), 401, 'a changed file');
    is($status->('/a.txt', 'plain:new'), 200, 'is seen at once');

    like($t->error_log, $_->[1], "logged: $_->[0]") for
        ['no password', qr/\[info\] .* no user\/password was provided for basic authentication, /],
        ['wrong password', qr/\[error\] .* user "sha512": password mismatch, client: 127.0.0.1, /],
        ['no user', qr/\[error\] .* user "nobody" was not found in "\Q$users\E", client: /],
        ['no file', qr/\[error\] .* open\(\) "\S+\/missing" failed \(2: /],
        ['a folder', qr/\[crit\] .* pread\(\) "\/" failed \(21: /];
    $t->stop('QUIT');
    my $log = do { local (@ARGV, $/) = $t->dir . '/logs/access.log'; <> };
    like($log, qr/^\/a\.txt \[sha512\] 200$/m, '$remote_user');
    like($log, qr/^\/a\.txt \[nobody\] 401$/m, 'is what the client says');
    like($log, qr/^\/a\.txt \[-\] 401$/m, 'or nothing');
}

# --- everything under satisfy -------------------------------------------------------------------

# The statuses that the three of them give; the answer that they make together.
sub together
{
    my ($any, @codes) = @_;
    my $denied = 0;

    for my $code (grep { $_ } @codes) {
        if ($code == 200) {
            return 200 if $any;
        } elsif (!$any || ($code != 401 && $code != 403)) {
            return $code;
        } elsif ($denied != 401) {
            $denied = $code;
        }
    }
    return $denied || 200;
}

{
    my $t = Test::Weir->new(name => 'satisfy');
    my %access = (none => 0, allow => 200, deny => 403);
    my %request = (none => 0, ok => 200, bad => 403, who => 401, broken => 500);
    my %user = (none => 0, missing => 401, wrong => 401, right => 200);
    my $locations = '';

    for my $any (0, 1) {
        for my $access (sort keys %access) {
            for my $request (sort keys %request) {
                for my $basic (0, 1) {
                    my @lines = ('satisfy ' . ($any ? 'any' : 'all'));
                    push @lines, "$access all" if $access ne 'none';
                    push @lines, 'auth_basic r', 'auth_basic_user_file users' if $basic;
                    push @lines, "auth_request /answer/$request{$request}" if $request ne 'none';
                    $locations .= "location /$any/$access/$request/$basic { "
                        . join('; ', @lines) . "; try_files /a.txt =404; }\n";
                }
            }
        }
    }
    $t->write_file('html/a.txt', "text\n");
    $t->write_file('conf/users', "plain:{PLAIN}pw\n");
    $t->write_conf("events { }\nhttp { server { listen 127.0.0.1:%%PORT%%;\n$locations"
        . "location /answer/200 { return 204; }\nlocation /answer/401 { return 401; }\n"
        . "location /answer/403 { return 403; }\nlocation /answer/500 { return 302 /x; }\n} }\n");
    $t->start;
    my (@wrong, $asked);
    for my $any (0, 1) {
        for my $access (sort keys %access) {
            for my $request (sort keys %request) {
                for my $user (sort keys %user) {
                    my $path = "/$any/$access/$request/" . ($user eq 'none' ? 0 : 1);
                    my @headers = $user eq 'wrong' ? basic('plain:no')
                        : $user eq 'missing' ? () : basic('plain:pw');
                    my $answer = get($t->port, $path, @headers);
                    my $want = together($any, $access{$access}, $user{$user}, $request{$request});
                    my $challenge = $answer->{header}{'www-authenticate'};
                    $asked++;
                    push @wrong, "$path $user: $answer->{status}, not $want"
                        if $answer->{status} != $want || ($want == 200 && $challenge);
                }
            }
        }
    }
    is(join("\n", @wrong), '', "satisfy: $asked combinations");
    like($t->error_log, qr/auth request unexpected status: 302, client/, 'logged: the status');
    $t->stop('QUIT');
}

# --- who is told, when, and how often -----------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'logged');
    my $denials = sub { scalar(() = $t->error_log =~ /access forbidden by rule/g) };

    $t->write_file('html/a.txt', "text\n");
    $t->write_file('conf/users', "plain:{PLAIN}pw\n");
    $t->write_conf(<<'CONF');
error_log logs/error.log info;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location /all { deny all; }
        location /any { satisfy any; deny all; }
        location /both { satisfy any; deny all; auth_basic r; auth_basic_user_file users; }
        location /asked { auth_request /no; }
        location /askedany { satisfy any; auth_request /no; }
        location /no { return 403; }
        location /delayed {
            auth_delay 100ms;
            auth_basic r;
            auth_basic_user_file users;
            try_files /a.txt =404;
        }
        location /delayedany {
            satisfy any;
            deny all;
            auth_delay 100ms;
            auth_basic r;
            auth_basic_user_file users;
            try_files /a.txt =404;
        }
        location /delayeddeny { deny all; auth_delay 1h; }
        location /hour { auth_delay 1h; auth_basic r; auth_basic_user_file users; }
    }
}
CONF
    $t->start;
    my $port = $t->port;
    my @cases = (['/all', 403, 1], ['/any', 403, 2], ['/both', 401, 2], ['/asked', 403, 2],
        ['/askedany', 403, 3]);
    for my $case (@cases) {
        is(get($port, $case->[0])->{status}, $case->[1], $case->[0]);
        is($denials->(), $case->[2], "$case->[0]: denials in the log");
    }
    for my $path ('/delayed', '/delayedany') {
        my $answer = get($port, $path, basic('plain:no'));
        is($answer->{status}, 401, "$path: a wrong password");
        is($answer->{header}{'www-authenticate'}, 'Basic realm="r"', "$path: the challenge");
        is(get($port, $path, basic('plain:pw'))->{status}, 200, "$path: the right one");
    }
    is(scalar(() = $t->error_log =~ /\[info\] .* delaying unauthorized request, client/g), 2,
        'who is refused waits');
    is(get($port, '/delayeddeny')->{status}, 403, 'a 403 does not');
    my $conn = Test::Weir::Conn->new($port);
    $conn->write("GET /hour HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for { 3 == (() = $t->error_log =~ /delaying unauthorized request/g) } 5, 'an hour begins';
    $conn->close;
    $t->stop('TERM');
}

# --- other kinds of addresses -------------------------------------------------------------------

SKIP: {
    my $t = Test::Weir->new(name => 'families');
    my $six = eval { Test::Weir::Conn->new('[::1]:9') } || $@ =~ /refused/i;

    skip 'there is no IPv6', 1 unless $six;
    $t->write_file('html/a.txt', "text\n");
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        listen [::1]:%%PORT%%;
        listen unix:%%DIR%%/socket;
        location /four { allow 127.0.0.0/8; deny all; try_files /a.txt =404; }
        location /six { allow ::1; deny all; try_files /a.txt =404; }
        location /local { allow unix:; deny all; try_files /a.txt =404; }
        location /notsix { deny ::/0; try_files /a.txt =404; }
        location /notfour { deny 0.0.0.0/0; try_files /a.txt =404; }
        location /notlocal { deny unix:; try_files /a.txt =404; }
        location /real {
            set_real_ip_from unix:;
            set_real_ip_from ::1/128;
            real_ip_header X-Forwarded-For;
            real_ip_recursive on;
            add_header X-Client "$remote_addr:$remote_port $realip_remote_addr" always;
            try_files /a.txt =404;
        }
    }
}
CONF
    $t->start;
    my %to = (four => $t->port, six => '[::1]:' . $t->port, local => $t->dir . '/socket');
    my %want = (
        '/four' => ['four'], '/six' => ['six'], '/local' => ['local'],
        '/notsix' => ['four', 'local'], '/notfour' => ['six', 'local'],
        '/notlocal' => ['four', 'six'],
    );
    for my $path (sort keys %want) {
        my @open = grep { ask($to{$_}, "GET $path HTTP/1.0\r\n\r\n") =~ /^HTTP\/1.1 200 / }
            qw(four six local);
        is("@open", "@{$want{$path}}", "$path is open for");
    }
    my $client = sub {
        my ($from, @lists) = @_;
        my $fields = join '', map { "X-Forwarded-For: $_\r\n" } @lists;
        my ($value) = ask($to{$from}, "GET /real HTTP/1.0\r\n$fields\r\n") =~ /^X-Client: (.*)\r$/m;
        return $value;
    };
    is($client->('local', '192.0.2.1'), '192.0.2.1: unix:', 'a proxy on a unix socket');
    is($client->('local', '192.0.2.1, ::1'), '192.0.2.1: unix:', 'behind another one');
    is($client->('local', '192.0.2.1, unix:'), 'unix:: unix:', 'a socket file is no address');
    is($client->('six', '2001:db8::7'), '2001:db8::7: ::1', 'IPv6');
    is($client->('six', '[2001:db8::7]:99'), '2001:db8::7:99 ::1', 'with a port');
    like($client->('four', '192.0.2.1'), qr/^127\.0\.0\.1:\d+ 127\.0\.0\.1$/, 'not trusted');
    $t->stop('QUIT');
}

# --- the address in a PROXY head ----------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'proxy');

    $t->write_file('html/a.txt', "text\n");
    $t->write_conf(<<'CONF');
events { }
http {
    real_ip_header proxy_protocol;
    add_header X-Client "$remote_addr:$remote_port $realip_remote_addr $proxy_protocol_addr" always;
    server {
        listen 127.0.0.1:%%PORT%% proxy_protocol;
        set_real_ip_from 127.0.0.1;
        root html;
        location / { allow 192.0.2.1; deny all; }
    }
    server {
        listen 127.0.0.1:%%PORT1%% proxy_protocol;
        set_real_ip_from 192.0.2.0/24;
        root html;
    }
}
CONF
    $t->start;
    my $answer = sub {
        my ($number, $line) = @_;
        my $all = ask($t->port($number), "$line\r\nGET /a.txt HTTP/1.0\r\nX-Real-IP: 9.9.9.9\r\n\r\n");
        return join ' ', $all =~ /^HTTP\/1.1 (\d+)/, $all =~ /^X-Client: (.*)\r$/m;
    };
    is($answer->(0, 'PROXY TCP4 192.0.2.1 192.0.2.2 1000 80'),
        '200 192.0.2.1:1000 127.0.0.1 192.0.2.1', 'the one in the head');
    is($answer->(0, 'PROXY TCP4 192.0.2.3 192.0.2.2 1000 80'),
        '403 192.0.2.3:1000 127.0.0.1 192.0.2.3', 'who may not have it');
    like($answer->(0, 'PROXY UNKNOWN'), qr/^403 127\.0\.0\.1:\d+ 127\.0\.0\.1 $/, 'an unknown one');
    like($answer->(1, 'PROXY TCP4 192.0.2.1 192.0.2.2 1000 80'),
        qr/^200 127\.0\.0\.1:\d+ 127\.0\.0\.1 192\.0\.2\.1$/, 'of somebody who is not trusted');
    like($t->error_log, qr/access forbidden by rule, client: 192\.0\.2\.3, server/,
        'the log has it too');
    $t->stop('QUIT');
}

run_tests();

__DATA__
