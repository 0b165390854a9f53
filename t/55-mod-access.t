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
slow:$2y$12$u/RBkfi6Si/v9xtDhlmnrOhCQje8ZqtGh71moDMep0l5lTXqYFEqW
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
    is($challenge->('/twice'), 'Basic realm="a "quoted" \ realm"', 'one challenge, not two')
        unless skipped('one challenge', differs => 'that of the place which answers');
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

    my ($field) = (basic('slow:pw'))[1];
    my @gone = map { Test::Weir::Conn->new($port) } 1 .. 4;
    $_->write("GET /a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: $field\r\n\r\n") for @gone;
    $_->reset for @gone[0, 1];
    $_->close for @gone[2, 3];
    is($status->('/a.txt', 'slow:pw'), 200, 'others who do not wait for an answer');

    $t->write_file('conf/users', "plain:{PLAIN}new\n");
    is($status->('/a.txt', 'plain:pw'), 401, 'a changed file');
    is($status->('/a.txt', 'plain:new'), 200, 'is seen at once');

    like($t->error_log, $_->[1], "logged: $_->[0]") for
        ['no password', qr/\[info\] .* no user\/password was provided for basic authentication, /],
        ['wrong password', qr/\[error\] .* user "\S+": password mismatch, client: 127.0.0.1, /],
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

# --- an answer from elsewhere -------------------------------------------------------------------

SKIP: {
    my $t = Test::Weir->new(name => 'upstream');

    skip 'there is no proxy_pass', 1
        unless on_oracle() || $t->run_cli('directives')->{out} =~ /^proxy_pass\t/m;
    $t->write_file('html/a.txt', "text\n");
    $t->write_file('conf/users', "plain:{PLAIN}pw\n");
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        auth_request_set $user $upstream_http_x_user;
        location /in {
            auth_request /ask/in;
            add_header X-User "$user [$upstream_http_x_user] [$upstream_status]" always;
            try_files /a.txt =404;
        }
        location /out { auth_request /ask/out; add_header X-User "$user" always; }
        location /both {
            satisfy any;
            auth_request /ask/out;
            auth_basic r;
            auth_basic_user_file users;
            try_files /a.txt =404;
        }
        location /ask/ {
            internal;
            proxy_pass http://127.0.0.1:%%PORT1%%/;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Asked "$request_method $request_uri";
        }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        add_header X-User "$http_x_asked" always;
        location /in { return 200 "a body"; }
        location /out { add_header WWW-Authenticate 'Other realm="x"' always; return 401; }
    }
}
CONF
    $t->start;
    my $header = sub { get($t->port, @_)->{header} };
    is($header->('/in?x=1')->{'x-user'}, 'GET /in?x=1 [] []', 'a field of the answer');
    is($header->('/out')->{'www-authenticate'}, 'Other realm="x"', 'its challenge is passed on');
    is(get($t->port, '/out')->{status}, 401, 'with its status');
    is($header->('/both')->{'www-authenticate'}, 'Basic realm="r", Other realm="x"',
        'two challenges');
    is($header->('/both', basic('plain:pw'))->{'www-authenticate'}, undef, 'none who is let in');
    $t->stop('QUIT');
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

=== what no address is
--- config
location / { allow 10.0.0.1/33; }
--- conf_error
[emerg] invalid parameter "10.0.0.1/33" in %%CONF%%:

=== a name is no address
--- config
location / { deny localhost; }
--- conf_error
[emerg] invalid parameter "localhost" in %%CONF%%:

=== a port does not belong to it
--- config
location / { deny 10.0.0.1:80; }
--- conf_error
[emerg] invalid parameter "10.0.0.1:80" in %%CONF%%:

=== a network with bits behind its prefix
--- config
location / { allow 10.0.0.1/8; }
set_real_ip_from 2001:db8::1/32;
--- conf_ok
[warn] low address bits of 10.0.0.1/8 are meaningless in %%CONF%%:
[warn] low address bits of 2001:db8::1/32 are meaningless in %%CONF%%:

=== one address in a directive
--- config
allow 10.0.0.1 10.0.0.2;
--- conf_error
[emerg] invalid number of arguments in "allow" directive in %%CONF%%:

=== no rules in if
--- config
if ($uri) { deny all; }
--- conf_error
[emerg] "deny" directive is not allowed here in %%CONF%%:

=== no passwords in if
--- config
location / { if ($uri) { auth_basic r; } }
--- conf_error
[emerg] "auth_basic" directive is not allowed here in %%CONF%%:

=== no auth_request in limit_except
--- config
location / { limit_except GET { auth_request /x; } }
--- conf_error
[emerg] "auth_request" directive is not allowed here in %%CONF%%:

=== auth_request_set wants a variable
--- config
auth_request_set x y;
--- conf_error
[emerg] invalid variable name "x" in %%CONF%%:

=== which is not one of the server's
--- config
auth_request_set $uri y;
--- conf_error
[emerg] the duplicate "uri" variable in %%CONF%%:

=== two auth_request
--- config
auth_request /a; auth_request /b;
--- conf_error
[emerg] "auth_request" directive is duplicate in %%CONF%%:

=== satisfy has two words
--- config
satisfy some;
--- conf_error
[emerg] invalid value "some" in %%CONF%%:

=== auth_delay is a time
--- config
auth_delay -1;
--- conf_error
[emerg] "auth_delay" directive invalid value in %%CONF%%:

=== a proxy that has no address
--- config
set_real_ip_from no-such-host.invalid;
--- conf_error
[emerg] host not found in set_real_ip_from "no-such-host.invalid" in %%CONF%%:

=== a network that is none
--- config
set_real_ip_from 10.0.0.1/40;
--- conf_error
[emerg] host not found in set_real_ip_from "10.0.0.1/40" in %%CONF%%:

=== a proxy whose name is known
--- config
set_real_ip_from 127.1;
--- conf_ok

=== a proxy is not all
--- config
set_real_ip_from all;
--- conf_error
[emerg] host not found in set_real_ip_from "all" in %%CONF%%:

=== rules: the first that fits decides
--- config
location /order { deny 10.0.0.1; allow 127.0.0.1; deny all; try_files /a.txt =404; }
location /denied { deny 127.0.0.1; allow all; try_files /a.txt =404; }
location /network { deny 127.0.0.0/30; try_files /a.txt =404; }
location /outside { deny 127.0.0.4/30; try_files /a.txt =404; }
location /nothing { allow 10.0.0.1; try_files /a.txt =404; }
location /outer/ {
    deny all;
    location /outer/own { allow 10.0.0.1; try_files /a.txt =404; }
    location /outer/inherited { try_files /a.txt =404; }
}
location /if { deny all; if ($arg_a) { set $x 1; } try_files /a.txt =404; }
location /before { deny all; return 200 "x"; }
location /page { deny all; error_page 403 /a.txt; }
location /samepage/ { deny all; error_page 403 /samepage/a.txt; }
location = /a.txt { }
--- user_files
>>> a.txt
text
--- keepalive_requests
GET /order
~~~
GET /denied
~~~
GET /network
~~~
GET /outside
~~~
GET /nothing
~~~
GET /outer/own
~~~
GET /outer/inherited
~~~
GET /if?a=1
~~~
GET /if
~~~
GET /before
~~~
GET /page
~~~
GET /samepage/x
--- error_code: 200 403 403 200 200 200 403 403 403 200 403 403

=== auth_request: its answers
--- config
location /0 { auth_request /answer/0; try_files /a.txt =404; }
location /200 { auth_request /answer/200; try_files /a.txt =404; }
location /file { auth_request /a.txt; try_files /a.txt =404; }
location /204 { auth_request /answer/204; try_files /a.txt =404; }
location /302 { auth_request /answer/302; try_files /a.txt =404; }
location /401 { auth_request /answer/401; try_files /a.txt =404; }
location /403 { auth_request /answer/403; try_files /a.txt =404; }
location /404 { auth_request /answer/404; try_files /a.txt =404; }
location /503 { auth_request /answer/503; try_files /a.txt =404; }
location /arguments { auth_request /a.txt?x=1; try_files /a.txt =404; }
location /itself { auth_request /itself; try_files /a.txt =404; }
location /outer/ {
    auth_request /answer/403;
    location /outer/off { auth_request off; try_files /a.txt =404; }
    location /outer/inherited { try_files /a.txt =404; }
}
location /if { auth_request /answer/403; if ($arg_a) { set $x 1; } }
location /hidden { auth_request /internal; try_files /a.txt =404; }
location /denied { auth_request /closed; try_files /a.txt =404; }
location = /internal { internal; return 200; }
location = /closed { deny all; try_files /a.txt =404; }
location /answer/200 { return 200 "ok"; }
location /answer/204 { return 204; }
location /answer/302 { return 302 /x; }
location /answer/401 { return 401; }
location /answer/403 { return 403; }
location /answer/404 { return 404; }
location /answer/503 { return 503; }
location = /a.txt { }
--- user_files
>>> a.txt
text
--- keepalive_requests
GET /200
~~~
GET /file
~~~
GET /204
~~~
GET /401
~~~
GET /403
~~~
GET /itself
~~~
GET /outer/off
~~~
GET /outer/inherited
~~~
GET /if?a=1
~~~
GET /hidden
~~~
GET /internal
~~~
GET /denied
~~~
HEAD /200
--- error_code: 200 200 200 401 403 200 200 403 403 200 404 200 200

=== auth_request: a redirect is no answer
--- request
GET /302
--- error_code: 500
--- error_log
auth request unexpected status: 302, client: 127.0.0.1

=== auth_request: nor is what is not there
--- request
GET /404
--- error_code: 500
--- error_log
auth request unexpected status: 404, client: 127.0.0.1

=== auth_request: nor an error
--- request
GET /503
--- error_code: 500
--- error_log
auth request unexpected status: 503, client: 127.0.0.1

=== auth_request: its arguments are a part of the path
--- request
GET /arguments
--- error_code: 500
--- error_log
/a.txt?x=1" failed (2: No such file or directory), client: 127.0.0.1

=== auth_request_set: variables of the answer
--- http_config
map $uri $mapped { default "$uri"; }
--- config
auth_request_set $inherited "at $uri";
location /set {
    auth_request /answer;
    auth_request_set $where "$uri [$args] $request_method";
    auth_request_set $code $status;
    auth_request_set $last 1;
    auth_request_set $last "$last$code";
    add_header X-Set "$where $code $last [$inherited] $uri" always;
    try_files /a.txt =404;
}
location /inherited {
    auth_request /answer;
    add_header X-Set "$inherited" always;
    try_files /a.txt =404;
}
location /denied {
    auth_request /no;
    auth_request_set $code $status;
    error_page 403 = @denied;
}
location /broken {
    auth_request /bad;
    auth_request_set $code $status;
    error_page 500 = @denied;
}
location @denied { return 200 "$code $uri"; }
location /shared {
    auth_request /answer/sets;
    add_header X-Set "$from_answer" always;
    try_files /a.txt =404;
}
location /group {
    location ~ ^/group/(?<name>\w+) {
        auth_request /answer/group;
        auth_request_set $named $name;
        add_header X-Set "$named $name" always;
        try_files /a.txt =404;
    }
}
location /other { add_header X-Set "[$where]" always; try_files /a.txt =404; }
location /answer { return 200; }
location /answer/sets { set $from_answer "set there"; return 200; }
location /no { return 403; }
location /bad { return 404; }
--- user_files
>>> a.txt
text
--- keepalive_requests
POST /set?x=1
~~~
GET /set?x=1
~~~
GET /inherited
~~~
GET /denied
~~~
GET /shared
~~~
GET /group/abc
~~~
GET /other
~~~
GET /broken
--- error_code: 405 200 200 200 200 200 200 200
--- response_headers
X-Set: /answer [] POST 200 1200 [] /a.txt
~~~
X-Set: /answer [] GET 200 1200 [] /a.txt
~~~
X-Set: at /answer
~~~
~~~
X-Set: set there
~~~
X-Set: abc abc
~~~
X-Set: []
~~~
--- response_body_like
405
~~~
text
~~~
text
~~~
^403 /denied$
~~~
text
~~~
text
~~~
text
~~~
^404 /broken$

=== what a subrequest remembers stays its own
--- differs: there the first value that anybody asked for is that of all
--- http_config
map $uri $mapped { default "$uri"; }
--- config
location /first {
    auth_request /answer;
    auth_request_set $theirs $mapped;
    add_header X-Set "$theirs $mapped" always;
}
location /before {
    set $ours $mapped;
    auth_request /answer;
    auth_request_set $theirs $mapped;
    add_header X-Set "$ours $theirs $mapped" always;
}
location /id {
    set $ours $request_id;
    auth_request /answer;
    auth_request_set $theirs $request_id;
    error_page 404 = @id;
}
location @id { if ($ours = $theirs) { return 200 "the same"; } return 200 "another"; }
location /answer { return 200 "$mapped"; }
--- user_files
>>> first
text
>>> before
text
--- keepalive_requests
GET /first
~~~
GET /before
~~~
GET /id
--- response_headers
X-Set: /answer /first
~~~
X-Set: /before /answer /before
~~~
--- response_body_like
text
~~~
text
~~~
^the same$

=== the address that a proxy tells
--- config
add_header X-Client "$remote_addr|$remote_port" always;
location / { set_real_ip_from 127.0.0.0/8; try_files /a.txt =404; }
location /stranger { set_real_ip_from 10.0.0.0/8; try_files /a.txt =404; }
location /nobody { real_ip_header X-Real-IP; try_files /a.txt =404; }
location /own { set_real_ip_from 127.0.0.1; real_ip_header X-Own; try_files /a.txt =404; }
location /rule { set_real_ip_from 127.0.0.1; allow 192.0.2.1; deny all; try_files /a.txt =404; }
--- user_files
>>> a.txt
text
--- keepalive_requests
GET /
X-Real-IP: 192.0.2.1
~~~
GET /
X-Real-IP: 192.0.2.1:567
~~~
GET /
X-Real-IP: 2001:db8::1
~~~
GET /
X-Real-IP: [2001:db8::1]:99
~~~
GET /
X-Real-IP: ::ffff:192.0.2.1
~~~
GET /
X-Real-IP: 192.0.2.1, 192.0.2.2
~~~
GET /
X-Real-IP: 192.0.2.1
X-Real-IP: 192.0.2.2
~~~
GET /own
X-Own: 192.0.2.9
X-Real-IP: 192.0.2.2
~~~
GET /rule
X-Real-IP: 192.0.2.1
~~~
GET /rule
X-Real-IP: 192.0.2.2
--- error_code: 200 200 200 200 200 200 200 200 200 403
--- response_headers
X-Client: 192.0.2.1|
~~~
X-Client: 192.0.2.1|567
~~~
X-Client: 2001:db8::1|
~~~
X-Client: 2001:db8::1|99
~~~
X-Client: ::ffff:192.0.2.1|
~~~
X-Client: 192.0.2.2|
~~~
X-Client: 192.0.2.1|
~~~
X-Client: 192.0.2.9|
~~~
X-Client: 192.0.2.1|
~~~
X-Client: 192.0.2.2|
--- error_log
access forbidden by rule, client: 192.0.2.2, server

=== it is the connection's where nobody tells, or nobody is trusted
--- keepalive_requests
GET /
~~~
GET /
X-Real-IP: nonsense
~~~
GET /
X-Real-IP: unix:
~~~
GET /
X-Real-IP: unix:/socket
~~~
GET /
X-Real-IP: 192.0.2.1:99999
~~~
GET /
X-Real-IP:
~~~
GET /stranger
X-Real-IP: 192.0.2.1
~~~
GET /nobody
X-Real-IP: 192.0.2.1
--- response_headers_like
X-Client: 127\.0\.0\.1\|\d+

=== lists of proxies
--- config
set_real_ip_from 127.0.0.0/8;
set_real_ip_from 10.0.0.0/8;
real_ip_header X-Forwarded-For;
add_header X-Client "$remote_addr|$remote_port" always;
location / { real_ip_recursive on; try_files /a.txt =404; }
server_name one;
}
server {
listen 127.0.0.1:%%PORT%%;
server_name two;
set_real_ip_from 127.0.0.0/8;
set_real_ip_from 10.0.0.0/8;
real_ip_header X-Forwarded-For;
real_ip_recursive on;
add_header X-Client "$remote_addr|$realip_remote_addr" always;
location / { try_files /a.txt =404; }
location /again { set_real_ip_from 192.0.2.0/24; real_ip_header X-Real-IP; try_files /a.txt =404; }
if ($remote_addr = 192.0.2.7) { return 204; }
--- user_files
>>> a.txt
text
--- keepalive_requests
GET /
Host: one
X-Forwarded-For: 192.0.2.1, 10.0.0.1
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.1, 10.0.0.1
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.1, 10.0.0.1,10.0.0.2:8080 , 
~~~
GET /
Host: two
X-Forwarded-For: 10.0.0.3, 10.0.0.1
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.1, nonsense, 10.0.0.1
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.1, 10.0.0.1
X-Forwarded-For: 10.0.0.2
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.1, 192.0.2.2
~~~
GET /
Host: two
X-Forwarded-For: 192.0.2.7
~~~
GET /again
Host: two
X-Forwarded-For: 192.0.2.1
X-Real-IP: 192.0.2.99
--- error_code: 200 200 200 200 200 200 200 204 200
--- response_headers
X-Client: 10.0.0.1|
~~~
X-Client: 192.0.2.1|127.0.0.1
~~~
X-Client: 192.0.2.1|127.0.0.1
~~~
X-Client: 10.0.0.3|127.0.0.1
~~~
X-Client: 10.0.0.1|127.0.0.1
~~~
X-Client: 192.0.2.1|127.0.0.1
~~~
X-Client: 192.0.2.2|127.0.0.1
~~~
X-Client: 192.0.2.7|127.0.0.1
~~~
X-Client: 192.0.2.1|127.0.0.1
