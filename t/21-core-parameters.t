# The named parameters of directives, as documentation lists them (t/data/parameters.tsv): each one
# is accepted in a statement that has little else, and is refused when it is misspelled. Only
# modules that are built are asked about; a parameter nothing is known about here fails.
use FindBin;
use JSON::PP qw(decode_json);
use lib "$FindBin::Bin/lib";
use Test::Weir;

# The text for a parameter, where the parameter alone is not yet one.
my %text = (
    'backlog=<number>' => 'backlog=128', 'setfib=<number>' => 'setfib=1',
    'fastopen=<number>' => 'fastopen=16', 'rcvbuf=<size>' => 'rcvbuf=64k',
    'sndbuf=<size>' => 'sndbuf=64k', 'accept_filter=<filter>' => 'accept_filter=httpready',
    'so_keepalive=on|off|[<keepidle>]:[<keepintvl>]:[<keepcnt>]' => 'so_keepalive=30m::10',
    'weight=<number>' => 'weight=2', 'max_conns=<number>' => 'max_conns=10',
    'max_fails=<number>' => 'max_fails=2', 'fail_timeout=<time>' => 'fail_timeout=5s',
    'service=<name>' => 'service=http', 'route=<string>' => 'route=a',
    'expires=<time>' => 'expires=1h', 'domain=<domain>' => 'domain=.a.test',
    'samesite=strict | lax | none | <$variable>' => 'samesite=lax', 'path=<path>' => 'path=/',
);

# Statements: where they stand, then the statement with PARAMETER for it. With a hash, texts
# for some of the parameters (behind what else they need), and "since": what the rows leave open.
my @cache = (max => 'max=10', inactive => 'max=10 inactive=20s', valid => 'max=10 valid=1m',
    min_uses => 'max=10 min_uses=2');
my @variables = ('default <value>' => 'default a', 'include <file>' => 'include map.inc',
    default => 'default a', include => 'include geo.inc', delete => 'delete 10.0.0.0/8',
    proxy => 'proxy 10.0.0.0/8');
my @sticky = (cookie => 'cookie a', route => 'route $arg_a',
    learn => 'learn create=$upstream_cookie_a lookup=$cookie_a zone=s:1m',
    map { $_ => "cookie a $text{$_}" } 'expires=<time>', 'domain=<domain>', 'path=<path>',
    'samesite=strict | lax | none | <$variable>');

my $upstream = 'resolver 127.0.0.1; upstream u { zone u 64k; server 127.0.0.1:9;';
my %statements = (
    disable_symlinks => [location => 'disable_symlinks PARAMETER;',
        'from=<part>' => 'on from=$document_root'],
    if_modified_since => [location => 'if_modified_since PARAMETER;'],
    listen => [server => 'listen [::1]:%%PORT1%% PARAMETER;',
        'ipv6only=on|off' => 'ipv6only=on'],
    open_file_cache => [location => 'open_file_cache PARAMETER;', @cache],
    open_log_file_cache => [server => 'open_log_file_cache PARAMETER;', @cache],
    gzip_proxied => [location => 'gzip_proxied PARAMETER;'],
    geo => [protocol => 'geo $a { PARAMETER; }', @variables],
    map => [protocol => 'map $remote_addr $a { PARAMETER; }', @variables],
    valid_referers => [location => 'valid_referers a.test PARAMETER;',
        'arbitrary string' => '*.b.test', 'regular expression' => '~\.c\.test'],
    rewrite => [location => 'rewrite ^/a /b PARAMETER;'],
    userid => [location => 'userid PARAMETER;'],
    server => [protocol => "$upstream server localhost PARAMETER; }",
        service => 'service=http resolve', 'service=<name>' => 'service=http resolve'],
    sticky => [protocol => "$upstream sticky PARAMETER; }", @sticky, since => '1.29.6',
        map { $_ => "cookie a $_" } qw(httponly secure)],
    ssl_session_cache => [server => 'ssl_session_cache PARAMETER;', builtin => 'builtin:1000',
        shared => 'shared:s:1m'],
    ssl_certificate_cache => [server => 'ssl_certificate_cache PARAMETER;', @cache,
        since => '1.27.4'],
    tunnel_next_upstream => [location => 'tunnel_next_upstream PARAMETER;', since => '1.29.6'],
    (map { +"${_}_next_upstream" => [location => "${_}_next_upstream PARAMETER;"] }
        qw(fastcgi grpc memcached proxy scgi uwsgi)),
    (map { +"${_}_ssl_certificate_cache" => [location => "${_}_ssl_certificate_cache PARAMETER;",
        @cache, since => '1.27.4'] } qw(grpc proxy uwsgi)),
);

# Where any other word means something too.
my %any_word = (
    map({ ("map $_" => 1) } 'default <value>', 'include <file>'),
    map({ ("valid_referers $_" => 1) } 'none', 'blocked', 'server_names', 'arbitrary string',
        'regular expression'),
);

# What other systems have; refused here.
my %elsewhere = ('setfib=<number>' => 1);

# What weir has not built yet of modules that it has.
my %later = (proxy_ssl_certificate_cache => 'TLS to servers');

my $t = Test::Weir->new(name => 'parameters');
$t->write_file('conf/map.inc', "key value;\n");
$t->write_file('conf/geo.inc', "10.0.0.0/8 value;\n");

# Modules that are built: names. The other one does not tell: those of HTTP.
sub built
{
    return if on_oracle();
    my $run = $t->run_cli('directives', '--json');
    is($run->{status}, 0, 'the directives are told') or return {};
    return {map { $_->{module} => 1 } @{decode_json($run->{out})}};
}

sub configuration
{
    my ($protocol, $where, $statement) = @_;
    my ($outer, $inner) = ('', '');

    if ($where eq 'protocol') {
        $outer = $statement;
    } elsif ($where eq 'location' && $protocol eq 'http') {
        $inner = "location / { $statement }";
    } else {
        $inner = $statement;
    }
    $inner .= ' return a;' if $protocol eq 'stream';
    my $listen = $inner =~ /\blisten/ ? '' : 'listen 127.0.0.1:%%PORT%%;';
    return "events { }\n$protocol {\n$outer\nserver { $listen $inner }\n}\n";
}

sub accepted
{
    my @configuration = @_;

    $t->write_conf(configuration(@configuration));
    my $run = $t->run_conf('-t');
    return (!$run->{status}, $run->{err});
}

sub check
{
    my ($row) = @_;
    my ($protocol) = $row->{module} =~ /^ngx_(http|stream)_/;
    my ($where, $statement, %own) = @{$statements{$row->{directive}} // []};
    my $name = "$row->{module}: $row->{directive} $row->{parameter}";

    return fail("$name: no statement for it here") unless $where;
    return if !on_oracle() && $later{$row->{directive}};
    # A stream server has no locations.
    $where = 'server' if $protocol eq 'stream' && $where eq 'location';
    my ($since) = sort { $b <=> $a } map { /^\d+\.(\d+)\.(\d+)/ ? $1 * 1000 + $2 : 0 }
        $row->{since}, $row->{oss_since}, $own{since} // '-';
    return if skipped($name, $since ? (since => sprintf '1.%d.%d', $since / 1000, $since % 1000)
        : ());
    my $text = $own{$row->{parameter}} // $text{$row->{parameter}} // $row->{parameter};
    my ($good, $said) = accepted($protocol, $where, $statement =~ s/PARAMETER/$text/r);
    is($good, !$elsewhere{$row->{parameter}}, $name) or diag($said);
    return if $any_word{"$row->{directive} $row->{parameter}"};
    my ($keyword) = $row->{parameter} =~ /^([a-z0-9_-]+)/ or return fail("$name: no keyword");
    $text =~ s/\b\Q$keyword\E/${keyword}q/ or return fail("$name: $keyword is not in $text");
    ($good, $said) = accepted($protocol, $where, $statement =~ s/PARAMETER/$text/r);
    ok(!$good, "$name, misspelled: $text");
    like($said, qr/\[emerg\]/, "$name, misspelled: says so") unless $good;
}

my $built = built();
open my $rows, '<', "$FindBin::Bin/data/parameters.tsv" or die "parameters.tsv: $!";
chomp(my @columns = split /\t/, readline $rows);
while (my $line = readline $rows) {
    my %row;
    chomp $line;
    @row{@columns} = split /\t/, $line, -1;
    check(\%row) if $built ? $built->{$row{module}} : $row{module} =~ /^ngx_http_/;
}
close $rows;

done_testing();
