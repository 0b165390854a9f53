# The trace of a request in the debug log, and through it the choice of servers and locations:
# configurations made by a generator, asked with requests made by it too. The place that the trace
# says was chosen must be the one that answers; and another implementation, when NGINX (or
# /usr/sbin/nginx) is there, must answer the same. WEIR_SEED tries others than the usual ones.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;

use constant {LOTS => 4, CONFIGURATIONS => 30, REQUESTS => 9};

skip_file(differs => 'it asks both by itself');

# --- chance -------------------------------------------------------------------------------------

# Not rand: ports are leased with that one, and what is made here must be the same everywhere.
my $state = $ENV{WEIR_SEED} // 20260101;

sub chance
{
    my ($below) = @_;

    $state ^= ($state << 13) & 0xffffffff;
    $state ^= $state >> 17;
    $state ^= ($state << 5) & 0xffffffff;
    return $state % $below;
}

sub pick { return $_[chance(scalar @_)] }

# --- configurations -----------------------------------------------------------------------------

my @names = ('a.test', 'b.test', 'www.a.test', 'x.y.test', '*.test', '*.a.test', '.b.test',
    'www.*', 'a.*', 'www.a.*', '*.y.test', '""', '~\.test$', '~^www\d*\.(.+)$', '~^[ab]\.',
    '"~^(?<first>[a-z]{1,2})\.(?:test|b)"', '~Y');
my @hosts = ('a.test', 'A.Test', 'b.test', 'www.a.test', 'www.a.test:80', 'q.a.test', 'q.b.test',
    'x.y.test', 'z.x.y.test', 'a.test.', 'www7.z', 'www.a.example', 'a.b', 'other',
    '127.0.0.1', '');
my @regexes = ('\.php$', '^/a', '/b/', '^/(a|img)/.*\.(gif|png)$', 'x', '^/$', 'b.?$', '/a$',
    '\.(?<ext>\w+)$', '"^/[ab]{1,2}/"', '(?i)IMG', '^/a/b', '//', '^');
my @parts = ('a', 'b', 'a', 'b', 'ab', 'img', 'a.php', 'x.gif', 'A', 'a b');

sub path
{
    my ($length) = @_;
    my $path = join '/', '', map { pick(@parts) } 1 .. $length;

    return $path . (chance(2) ? '/' : '');
}

# A location beside those of %$taken, within $outer (undef: of the server): modifier and name.
sub location_name
{
    my ($outer, $taken) = @_;

    for (1 .. 20) {
        my $kind = $outer && $outer->{kind} =~ /^~/ ? '~'
            : pick('', '', '', '', '^~', '=', '~', '~');
        return pick('~', '~*'), pick(@regexes) if $kind eq '~';
        my $base = $outer ? $outer->{name} : '';
        my $name = $base eq '' && chance(3) == 0 ? '/' : $base . path(chance(2) + 1);
        $name =~ s{//}{/}g;
        $name = $base . pick(@parts) if $outer && chance(4) == 0;
        return $kind, $name unless $taken->{$kind eq '=' ? '=' : ''}{$name}++;
    }
    return;
}

# Adds locations to the lines of a configuration. Each answers with the number of its line.
sub add_locations
{
    my ($conf, $outer, $depth) = @_;
    my %taken;

    for (1 .. chance($outer ? 3 : 7) + 1) {
        my ($kind, $name) = location_name($outer, \%taken) or next;
        my $word = $name =~ /[ ]/ ? "\"$name\"" : $name;
        my $line = push @{$conf->{lines}}, '';
        my $glued = $kind ne '' && $kind !~ /~\*?$/ && chance(4) == 0 && $word !~ /"/;
        $conf->{lines}[-1] = '    ' x $depth . 'location '
            . ($kind eq '' ? $word : $glued ? "$kind$word" : "$kind $word")
            . " { return 200 'L$line \$uri';";
        push @{$conf->{paths}}, $name if $name =~ m{^/};
        add_locations($conf, {kind => $kind, name => $name}, $depth + 1)
            if $kind ne '=' && $depth < 4 && chance(3) == 0;
        push @{$conf->{lines}}, '    ' x $depth . '}';
    }
}

# One address with several servers. {first, lines of the whole file so far, address, paths}
sub add_configuration
{
    my ($lines, $number) = @_;
    my %conf = (lines => $lines, address => "127.0.0.$number", paths => []);
    my $default = chance(4);

    $conf{first} = @$lines + 1;
    for my $server (0 .. chance(4)) {
        my %mine = map { pick(@names) => 1 } 1 .. chance(3) + 1;
        my $line = push @$lines, '';
        push @$lines,
            "    listen $conf{address}:%%PORT%%" . ($server == $default ? ' default_server;' : ';'),
            "    server_name " . join(' ', sort keys %mine) . ';',
            "    add_header X-Server L$line always;";
        $lines->[$line - 1] = 'server {';
        add_locations(\%conf, undef, 1);
        push @$lines, '}';
    }
    $conf{last} = @$lines;
    return \%conf;
}

# --- requests -----------------------------------------------------------------------------------

# Writes a path another way, or makes it another one.
sub change
{
    my ($path) = @_;
    my $how = chance(12);

    $path .= 'x' if $how == 0;
    $path .= '/' . pick(@parts) if $how == 1;
    $path .= '/' . pick(@parts) . '.php' if $how == 2;
    $path =~ s{/}{//} if $how == 3;
    $path = uc $path if $how == 4;
    chop $path if $how == 5 && length $path > 1;
    $path =~ s{([a-z])}{sprintf '%%%02X', ord $1}e if $how == 6;
    $path =~ s{/}{/./} if $how == 7;
    $path .= '/../' . pick(@parts) if $how == 8;
    $path .= '/.' if $how == 9;
    $path =~ s/ /%20/g;
    return $path . (chance(8) ? '' : '?a=/b/');
}

sub make_request
{
    my ($conf) = @_;
    my $path = change(@{$conf->{paths}} && chance(5) ? pick(@{$conf->{paths}}) : path(chance(3)));
    my $host = pick(@hosts);

    return "GET $path HTTP/1.1\r\nHost: $host\r\n\r\n" if $host ne '' || chance(4) == 0;
    return "GET $path HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
}

# What a server says to the requests of a configuration: "200 server location uri" each.
sub ask
{
    my ($server, $conf) = @_;
    my $conn;

    return map {
        $conn //= Test::Weir::Conn->new("$conf->{address}:" . $server->port);
        $conn->write($_);
        my $answer = $conn->read_response(method => 'GET') or die "no answer to $_";
        my $body = $answer->{status} == 200 ? $answer->{body} : '-';
        undef $conn if ($answer->{header}{connection} // '') ne 'keep-alive' && /HTTP\/1\.0/
            || ($answer->{header}{connection} // '') eq 'close';
        "$answer->{status} " . ($answer->{header}{'x-server'} // '-') . " $body";
    } @{$conf->{requests}};
}

# --- traces -------------------------------------------------------------------------------------

# What each request of a log says of itself: {server, location}, lines of the configuration.
sub traces
{
    my ($log, $file) = @_;
    my (@found, %current);

    for (split /\n/, $log) {
        my ($connection, $kind, $why, $line)
            = /\[debug\] \S+ \*(\d+) (server|location): ".*?" (\S.*) in \Q$file\E:(\d+)$/ or next;
        push @found, $current{$connection} = {server => $line} if $kind eq 'server';
        $current{$connection}{location} = "L$line" if $why eq 'is chosen';
        $current{$connection}{location} = '-' if $why eq 'has no location';
    }
    return @found;
}

sub traced { return join ' ', 'L' . $_[0]{server}, $_[0]{location} // 'nothing' }

sub answered
{
    my ($server, $location) = $_[0] =~ /^\d+ (\S+) (\S+)/;
    return "$server $location";
}

# The first difference with what belongs to it, for people.
sub show
{
    my ($conf, $got, $expected) = @_;
    my ($at) = grep { $got->[$_] ne $expected->[$_] } 0 .. $#$expected;

    diag("lot of seed $conf->{seed}: $conf->{requests}[$at]got $got->[$at], not $expected->[$at]");
    diag("$_: $conf->{lines}[$_ - 1]") for $conf->{first} .. $conf->{last};
}

# --- lots ---------------------------------------------------------------------------------------

sub make_lot
{
    my ($level) = @_;
    my $seed = $state;
    my @lines = ("error_log logs/error.log $level;", 'events { worker_connections 500; }', 'http {',
        'access_log off; root html; server_names_hash_bucket_size 64;');
    my @lot = map { add_configuration(\@lines, $_) } 1 .. CONFIGURATIONS;

    push @lines, '}';
    for my $conf (@lot) {
        $conf->{seed} = $seed;
        $conf->{requests} = [map { make_request($conf) } 1 .. REQUESTS];
    }
    return @lot;
}

sub serve
{
    my ($server, $lot) = @_;

    $server->write_conf(join("\n", @{$lot->[0]{lines}}, ''));
    return $server->start unless $server->{running};
    my ($status, $output) = $server->reload;
    is($status, 0, "$server->{name}: the next lot") or diag($output);
}

# Servers would take it for the list of sockets that an older one has passed on.
my $nginx = delete $ENV{NGINX} // '/usr/sbin/nginx';
my $server = Test::Weir->new(name => 'traced');
my $file = $server->dir . '/conf/weir.conf';

# --- what else is told ----------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'told');
    $t->write_file('html/there/index.html', "there\n");
    $t->write_file('conf/rules.conf', "allow 192.0.2.1;\ndeny all;\n");
    # A server whose log is not at debug says nothing, but a location of it may speak.
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        error_log logs/error.log debug;
        error_page 404 /lost.html;
        location / { try_files $uri $uri/ /none.html @behind; }
        location @behind { rewrite ^/old(.*)$ /new$1 last; return 302 /there/; }
        location ^~ /new { return 404; }
        location = /lost.html { internal; return 200 "lost\n"; }
        location /closed { include rules.conf; }
        location /any {
            satisfy any;
            allow 127.0.0.1;
            deny all;
            auth_basic any;
            auth_basic_user_file none;
        }
        location /quiet { error_log logs/error.log error; try_files /none =404; }
    }
    server {
        listen 127.0.0.1:%%PORT1%%;
        error_log logs/other.log;
        location / { return 204; }
        location /loud { error_log logs/other.log debug; return 302 /; }
    }
}
CONF
    $t->start;
    my $dir = $t->dir;
    my $conf = "$dir/conf/weir.conf";
    # The lines about a request, and what is asked to be among them, in this order.
    my $told = sub {
        my ($number, $path, $log, @expected) = @_;
        my $before = length $t->error_log($log);
        get($t->port($number), $path);
        my @lines = map { /\[debug\] \S+ \*\d+ (\w+: ".*)/ ? $1 : () }
            split /\n/, substr $t->error_log($log), $before;
        s/ in \Q$conf\E:/ at / for @lines;
        return is(join("\n", @lines), join("\n", @expected), "told of $path");
    };
    my $server = 'server: "" default server: no other has the name at 3';
    my @lost = ('location: "= /lost.html" is the path at 10',
        'location: "= /lost.html" is chosen at 10',
        'rewrite: "return 200 lost\x0A" answers at 10');

    $told->(0, '/there', 'logs/error.log', $server, 'location: "/" is the longest prefix at 7',
        'location: "/" is chosen at 7', "file: \"$dir/html/there\" is of another kind at 7",
        "file: \"$dir/html/there\" is there at 7",
        "rewrite: \"http://localhost:" . $t->port . '/there/" is where the client is sent at 7',
        'error: "301" has no error_page at 7');
    $told->(0, '/old/x', 'logs/error.log', $server, 'location: "/" is the longest prefix at 7',
        'location: "/" is chosen at 7',
        map({ "file: \"$dir/html$_\" is not there at 7" } '/old/x', '/old/x', '/none.html'),
        'file: "@behind" is taken: no file of try_files is there at 7',
        'location: "@behind" is where it goes on: named location at 7',
        'rewrite: "rewrite ^/old(.*)$ /new$1 last" matches at 8',
        'rewrite: "/new/x" is the path now at 8', 'location: "^~ /new" is the longest prefix at 9',
        'location: "^~ /new" is ^~: no regexes beside it at 9',
        'location: "^~ /new" is chosen at 9', 'rewrite: "return 404" answers at 9',
        'error: "error_page 404 /lost.html" answers instead at 9',
        'rewrite: "/lost.html" is the path now: internal redirect at 9',
        @lost);
    $told->(0, '/closed', 'logs/error.log', $server,
        'location: "/closed" is the longest prefix at 11', 'location: "/closed" is chosen at 11',
        "access: \"all\" is denied in $dir/conf/rules.conf:2", 'access: "access" denies at 11',
        'access: "/closed" is refused at 11', 'error: "403" has no error_page at 11');
    $told->(0, '/any', 'logs/error.log', $server, 'location: "/any" is the longest prefix at 12',
        'location: "/any" is chosen at 12', 'access: "127.0.0.1" is allowed at 14',
        'access: "access" allows at 12', 'access: "/any" is let in by one: satisfy any at 12',
        'error: "error_page 404 /lost.html" answers instead at 12',
        'rewrite: "/lost.html" is the path now: internal redirect at 12',
        @lost);
    $told->(0, '/quiet', 'logs/error.log', $server,
        'location: "/quiet" is the longest prefix at 19', 'location: "/quiet" is chosen at 19',
        @lost);
    $told->(1, '/', 'logs/other.log');
    $told->(1, '/loud', 'logs/other.log', 'rewrite: "return 302 /" answers at 25',
        'rewrite: "http://localhost:' . $t->port(1) . '/" is where the client is sent at 25',
        'error: "302" has no error_page at 25');
    $t->stop;
}

# --- both of them -------------------------------------------------------------------------------

my (@answers, $requests);
my @lots = map { [make_lot('debug')] } 1 .. LOTS;
for my $lot (@lots) {
    serve($server, $lot);
    for my $conf (@$lot) {
        my $before = length $server->error_log;
        my @said = ask($server, $conf);
        my @traced = map { traced($_) } traces(substr($server->error_log, $before), $file);
        # A request that is refused as such is not routed.
        my @answered = map { answered($_) } grep { !/^400 / } @said;
        is("@traced", "@answered", "traces at lines $conf->{first} to $conf->{last}")
            or show($conf, \@traced, \@answered);
        $requests += @said;
        push @answers, \@said;
    }
}
$server->stop;
cmp_ok($requests, '>=', 1000, 'many requests');

SKIP: {
    skip 'no other implementation', 1 unless -x $nginx;
    local $ENV{WEIR_ORACLE} = $nginx;
    my $other = Test::Weir->new(name => 'the other');
    for my $lot (@lots) {
        $lot->[0]{lines}[0] = 'error_log logs/error.log;';
        serve($other, $lot);
        for my $conf (@$lot) {
            my @said = ask($other, $conf);
            my $mine = shift @answers;
            is("@$mine", "@said", "answers at lines $conf->{first} to $conf->{last}")
                or show($conf, $mine, \@said);
        }
    }
    $other->stop;
}

done_testing();
