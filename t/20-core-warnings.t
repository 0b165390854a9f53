# What -t warns of although it accepts it. docs/warnings.md shows for each code what warns, with the
# whole answer; what only looks like it, and must be quiet, stands here. nginx is silent about all of
# it but `duplicate-type`.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Util qw(slurp);

my $document = slurp("$FindBin::Bin/../docs/warnings.md");

# Every file of the document with its answer: {code, conf, answer}.
sub examples
{
    my (undef, @parts) = split /^## ([a-z-]+)\n/m, $document =~ s/^## Warnings in.*//msr;
    my @examples;

    while (my ($code, $text) = splice @parts, 0, 2) {
        while ($text =~ /^```nginx\n(.*?)^```\n\n```\n(.*?)^```\n/gms) {
            push @examples, {code => $code, conf => $1, answer => $2};
        }
    }
    return @examples;
}

# What -t says, as the document writes it, and its status.
sub check
{
    my ($conf, @options) = @_;
    my $t = Test::Weir->new(name => 'check');
    my $folder = $t->dir . '/conf/';

    $t->write_file('conf/users', '');
    $t->write_conf($conf);
    my $run = $t->run_conf('-t', @options);
    my $text = $run->{err};
    $text =~ s/\Q$folder\E//g;
    $text =~ s/\bweir\.conf\b/nginx.conf/g;
    my $end = 0;
    $end++ while $text =~ s/^\w+: (?:the )?configuration file nginx\.conf .*(?:ok|successful)\n//m;
    $text =~ s/^\w+: \[notice\].*\n//mg;
    return ($text, $run->{status}, $end, $run->{out});
}

sub in_server
{
    my ($text) = @_;

    return "events { }\nhttp {\nserver {\nlisten 127.0.0.1:%%PORT%%;\n$text\n}\n}\n";
}

sub in_http
{
    my ($text) = @_;

    return "events { }\nhttp {\n$text\n}\n";
}

# --- what warns ---------------------------------------------------------------------------------

my %seen;
for my $example (examples()) {
    my ($code, $conf) = @{$example}{qw(code conf)};
    my $name = $code . ' ' . ++$seen{$code};

    if (on_oracle()) {
        my ($text, $status) = check($conf);
        is($status, 0, "$name: accepted");
        unlike($text, qr/\[warn\]/, "$name: without a word") if $code ne 'duplicate-type';
        next;
    }
    my ($text, $status, $end) = check($conf);
    is($text, $example->{answer}, "$name: the answer");
    is("$status $end", '0 2', "$name: accepted");
    ($text, $status) = check($conf, '--no-warn', 'low-bits', '--no-warn', $code);
    is("$text$status", '0', "$name: --no-warn");
    my (undef, undef, undef, $json) = check($conf, '--json');
    like($json, qr/^\{"level":"warn","code":"$code","message":".*"column":.*"notes":\[\{.*\}\n\z/,
        "$name: --json");
}
is(join(' ', sort keys %seen), join(' ', qw(alias-traversal duplicate-type exploding-regex if-pitfall
    lost-add-header no-effect unanchored-host-regex uri-in-redirect)), 'codes with examples');

# Further ways to the same: a part of the first line. None: as if it stood in the list below.
my @more = (
    ['alias-traversal', 'location ^~ /img { alias /srv/img/; }' => 'location "/img" does not'],
    ['lost-add-header', 'add_header X-A 1; location / { if ($arg_a) { add_header X-B 1; } }'
        => 'the outer "X-A" is not added'],
    ['lost-add-header', 'add_header X-A 1; add_header X-B 1; add_header X-A 2;
        location / { add_header x-b 2; }' => 'the outer "X-A" is not added'],
    ['lost-add-header', 'add_header X-A 1; location / { location /a { add_header X-B 1; } }'
        => 'the outer "X-A" is not added'],
    ['if-pitfall', 'location / { try_files /a =404; if ($arg_a) { rewrite ^ /b break; } }'
        => '"try_files" of its location'],
    ['if-pitfall', 'location / { if ($arg_a) { limit_rate 1k; } if ($arg_b) { set $x 1; break; } }'
        => '"limit_rate" does nothing when'],
    ['if-pitfall', 'location / { if (-f /a) { add_header A 1; } if (-f /b) { add_header B 1; } }'
        => '"add_header" does nothing when'],
    ['unanchored-host-regex', 'server_name a ~^example\.com;' => 'the regex "^example\.com"'],
    ['unanchored-host-regex', 'server_name ~example\.com$;' => 'the regex "example\.com$"'],
    ['unanchored-host-regex', 'server_name "~^a\.com|b\.com$";' => 'the regex "^a\.com|b\.com$"'],
    ['unanchored-host-regex', 'server_name ~^www.example\.com$;' => 'the regex "^www.example\.com$"'],
    ['unanchored-host-regex', 'if ($host ~* ^(www.)?a\.com$) { return 404; }'
        => 'the regex "^(www.)?a\.com$"'],
    ['unanchored-host-regex', 'if ( $http_host !~ a.com ) { return 404; }' => 'the regex "a.com"'],
    ['uri-in-redirect', 'return https://a${document_uri};' => '"$document_uri" is decoded'],
    ['uri-in-redirect', 'location / { if ($arg_a) { return 302 /x?$uri; } }' => '"$uri" is decoded'],
    ['uri-in-redirect', 'rewrite ^ https://a$uri;' => '"$uri" is decoded'],
    ['uri-in-redirect', 'rewrite ^ $uri/ permanent;' => '"$uri" is decoded'],
    ['exploding-regex', 'location / { rewrite ^/(a+)+$ /b; }' => 'the regex "^/(a+)+$"'],
    ['exploding-regex', 'if ($http_user_agent ~ (.*)*x) { return 403; }' => 'the regex "(.*)*x"'],
    ['no-effect', 'location ~* ^/a { } location ~ ^/a { }' => 'location "^/a" is never chosen'],
    ['no-effect', 'location ~ ^/ { } location ~ \.x$ { }' => 'location "\.x$" is never chosen'],
    ['no-effect', 'location / { auth_basic a; return 200; }' => '"auth_basic" does nothing: "return"'],
    ['no-effect', 'gzip off; gzip_types text/css;' => '"gzip" is neither on here nor inside'],
    ['no-effect', 'if ($arg_a) { return 200; } return 404; location / { }' => 'no location is ever'],
);
for my $row (@more) {
    my ($code, $conf, $want) = @$row;
    next if on_oracle();
    my ($text, $status) = check(in_server($conf));
    like($text, qr/\Aweir: \[warn\] .*\Q$want\E/, "$code: $conf");
    is(() = $text =~ /^    \(--no-warn \Q$code\E\)$/mg, 1, 'one warning');
    is($status, 0, 'accepted');
}

# --- what does not ------------------------------------------------------------------------------

my %quiet = (
    'alias-traversal' => [map { in_server($_) }
        'location /img/ { alias /srv/img/; }',
        'location /img { alias /srv/img; }',
        'location = /img { alias /srv/img/; }',
        'location ~ ^/img { alias /srv/img/; }',
        'location /img { root /srv/; }',
    ],
    'lost-add-header' => [map { in_server($_) }
        'add_header X-A 1; location / { add_header x-a 2; add_header X-B 1; }',
        'add_header X-A 1; location / { add_trailer X-B 1; }',
        'add_header X-A ""; location / { add_header X-B 1; }',
        'add_header X-A 1; location / { root /srv; location /a { expires 1h; } }',
        'location /a { add_header X-A 1; } location /b { add_header X-B 1; }',
    ],
    'if-pitfall' => [map { in_server($_) }
        'location / { try_files /a =404; if ($arg_a) { return 403; } }',
        'location / { try_files /a =404; if ($arg_a) { rewrite ^ /b last; } }',
        'location / { try_files /a =404; if ($arg_a) { rewrite ^ http://b; } }',
        'location / { try_files /a =404; set $x 1; }',
        'if ($arg_a) { set $x 1; } location / { try_files /a =404; }',
        'location / { if ($arg_a) { add_header A 1; break; } if ($arg_b) { add_header B 1; } }',
        'location / { if ($arg_a) { add_header A 1; } if ($arg_b) { return 403; } }',
        'location / { if ($arg_a) { set $x 1; } if ($arg_b) { add_header B 1; } }',
        'location / { if ($arg_a) { add_header A 1; } }',
        'location / { if ($arg_a) { limit_rate 1k; } if ($arg_b) { limit_rate 2k; } }',
        'location / { if ($request_method = GET) { add_header A 1; }
            if ($request_method = POST) { add_header B 1; } }',
        'location / { if ($request_method = OPTIONS) { add_header A 1; return 204; }
            if ($http_origin) { add_header B 1; } }',
    ],
    'unanchored-host-regex' => [map { in_server($_) }
        'server_name example.com *.example.com www.example.* .example.org "" _;',
        'server_name ~^(?<name>[^.]+)\.example\.com$;',
        'server_name ~^(www\.)?(.+)$;',
        'server_name ~^www\.;',
        'server_name ~(^|\.)example\.com$;',
        'server_name ~\.example\.com$;',
        'server_name ~.*\.example\.com$;',
        'server_name ~.;',
        'server_name ~^;',
        'server_name ~^\d+\.\d+\.\d+\.\d+$;',
        'if ($host ~ example\.com) { return 404; }',
        'if ($http_user_agent ~ a.b) { return 404; }',
        'if ($host = a.b) { return 404; }',
        'location ~ a.b { }',
    ],
    'uri-in-redirect' => [map { in_server($_) }
        'return 301 https://$host$request_uri;',
        'set $uris 1; return 301 https://a/$uris;',
        'location / { return 200 $uri; }',
        'location = /a { return 301 /b?from=$uri; }',
        'location / { return 404 $uri; }',
        'rewrite ^ $uri last;',
        'rewrite ^/(.*) /index?$uri;',
        'location / { try_files $uri $uri/ =404; }',
        'rewrite ^/(.*)$ https://a/$1 permanent;',
    ],
    'exploding-regex' => [map { in_server($_) }
        'location ~ ^(.+\.php)(/.+)$ { }',
        'location ~ ^/(?:[a-z0-9]+/)*[^/]+\.js$ { }',
        'location ~ ^(/[^/]+)+/$ { }',
        'rewrite ^/(.*)/(.*)$ /$2/$1;',
        'server_name "~^([a-z0-9-]+\.)+example\.com$";',
    ],
    'no-effect' => [
        (map { in_server($_) }
            'location / { internal; return 200; }',
            'location / { auth_basic off; allow all; return 200; }',
            'location / { deny all; if ($arg_a) { return 200; } }',
            'location / { deny all; return 404; }',
            'location / { deny all; break; return 200; }',
            'location / { deny all; if ($arg_a) { break; } return 200; }',
            'location / { deny all; return 200; location /a { root /srv; } }',
            'location / { deny all; limit_except GET { allow all; } return 200; }',
            'location / { try_files /a @b; } location @b { return 200; }',
            'location / { root /srv; return 200 $document_root; }',
            'return 301 /x;',
            'if ($uri ~ ^/x) { break; } return 404; location / { }',
            'rewrite ^/x /y last; return 404; location / { }',
            'return 503; error_page 503 @x; location @x { root /srv; }',
            'location / { if ($arg_a) { return 403; } set $x 1; }',
            'location / { set $x 1; return 200 $x; }',
            'location ~ ^/a { } location ~* ^/a { }',
            'location ~ ^/a { } location ~ ^/b { }',
            'location /a { location ~ x { } } location /b { location ~ x { } }',
            'location ^~ /a { } location = /b { } location ~ / { }',
            'location /a { location = /a/b { } } location ~ / { }',
            'location ~ \.x$ { } location ~ / { }',
            'root /srv; try_files $uri =404; location /a { }',
            'root /srv; try_files $uri =404; location = / { }',
            'location / { auth_basic a; auth_basic_user_file users; }',
            'location / { limit_except GET { auth_basic a; } auth_basic_user_file users; }',
            'gzip_types text/css; location / { gzip on; }',
            'gzip_min_length 1k; location / { if ($arg_a) { gzip on; } }',
            'gzip_vary on; gzip_http_version 1.0; gzip_proxied any; gzip_disable msie6;',
        ),
        in_http('gzip on; server { listen 127.0.0.1:%%PORT%%; gzip_types text/css; }'),
        in_http('autoindex_localtime on; server { listen 127.0.0.1:%%PORT%%; location / { autoindex on; } }'),
    ],
    'duplicate-type' => [map { in_server($_) }
        'gzip on; gzip_types text/css text/plain;',
        'gzip on; gzip_types * text/html;',
    ],
);
my @map = ('map $host $x { ~^www\.a\.com$ 1; ~a\.b 1; default 0; }', 'map $uri $x { ~a.b 1; }');
push @{$quiet{'unanchored-host-regex'}}, map { in_http("$_ server { listen 127.0.0.1:%%PORT%%; }") } @map;

for my $code (sort keys %quiet) {
    my $number = 0;
    for my $conf (@{$quiet{$code}}) {
        my ($text, $status) = check($conf);
        is("$text$status", '0', "$code: not number " . ++$number)
            or diag($conf);
    }
}

# What many sites have.
is((check(<<'CONF'))[0], '', 'an ordinary site');
events { }
http {
    map $host $site { hostnames; default main; .example.org org; }
    map $http_user_agent $robot { default 0; "~*(bot|crawl|spider)" 1; ~^curl/[\d.]+$ 1; }
    gzip on;
    gzip_vary on;
    gzip_types text/css text/plain application/json image/svg+xml;
    add_header X-Content-Type-Options nosniff always;

    server {
        listen 127.0.0.1:%%PORT%% default_server;
        server_name _;
        return 444;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name example.com;
        location /.well-known/acme-challenge/ { root /srv/acme; }
        location / { return 301 $scheme://www.example.com$request_uri; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        if ($host = old.example.com) {
            return 301 http://www.example.com$request_uri;
        }
        server_name old.example.com;
        return 404;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name www.example.com "~^(?<user>[a-z\d-]{1,63})\.example\.com$";
        root /srv/site;
        index index.html;
        error_page 404 /404.html;
        error_page 500 502 503 504 /50x.html;

        if (!-e $request_filename) {
            rewrite ^(/[^/]+)?(/old-.*) $2 last;
        }
        rewrite ^/(blog|news)/(.*)$ /articles/$2 permanent;
        location = /favicon.ico { log_not_found off; access_log off; }
        location = /robots.txt { allow all; access_log off; }
        location = /50x.html { root /srv/shared; internal; }
        location ~ (^|/)\. { return 403; }
        location ~ ^/(?:build|tests|config|lib|templates|data)(?:$|/) { return 404; }
        location ~ ^/sites/.*/private/ { deny all; return 403; }
        location ~* /(?:uploads|files)/.*\.php$ { deny all; }
        location ~ ^/[^/.]+(?:/[^/]+)*/feed/?$ { expires 1h; }
        location ~* \.(?:css(\.map)?|js|gif|svg|jpe?g|png|webp|ico|woff2?)$ {
            expires 30d;
            access_log off;
        }
        location /api/ {
            if ($request_method = OPTIONS) {
                add_header Access-Control-Allow-Origin *;
                add_header X-Content-Type-Options nosniff;
                return 204;
            }
            if ($robot) { return 429; }
            try_files $uri @api;
        }
        location @api { return 200 "{}"; }
        location /admin/ { auth_basic Staff; auth_basic_user_file users; }
        location /img/ { alias /srv/images/; autoindex on; autoindex_exact_size off; }
        location /status { stub_status; allow 127.0.0.1; deny all; }
        location /health { access_log off; default_type text/plain; return 200 "up\n"; }
        location / { try_files $uri $uri/ /index.html?$args; }
    }
}
CONF

unless (skipped('merge', since => '1.29.3')) {
    my $outer = 'add_header X-A 1;';
    for my $how (qw(merge off)) {
        my $text = "$outer location / { add_header_inherit $how; add_header X-B 1; }";
        is((check(in_server($text)))[0], '', "add_header_inherit $how says what is meant");
    }
    like((check(in_server("add_header_inherit merge; $outer location / { add_header_inherit on;
        add_header X-B 1; }")))[0], qr/\[warn\]/, 'and on does not') unless on_oracle();
}

if (!on_oracle()) {
    my ($text) = check(in_http('map $host $x { "~*^www.a" 1; } server { listen 127.0.0.1:%%PORT%%; }'));
    like($text, qr/the regex "\^www\.a" matches more/, 'a regex of a map');
}

# --- files --------------------------------------------------------------------------------------

# A file that is included twice may have an effect in one of the places.
my $t = Test::Weir->new(name => 'files');
$t->write_file('conf/one.inc', 'gzip_types text/css;');
$t->write_conf(in_server('location /a { include one.inc; } location /b { gzip on;
    include one.inc; }'));
is($t->run_conf('-tq')->{err}, '', 'a file for several places is not judged');

SKIP: {
    skip 'nginx has no such warnings' if on_oracle();

    $t->write_file('conf/two.inc', "add_header X-B 1;\n");
    $t->write_conf(in_server("add_header X-A 1;\nlocation /a {\ninclude two.inc;\n}\n" .
        "location /b {\ninclude two.inc;\n}"));
    my $err = $t->run_conf('-tq')->{err};
    is(() = $err =~ /\[warn\]/g, 1, 'what is wrong in a file is said once');
    like($err, qr/ in \S+two\.inc:1\n.*\n    included from \S+weir\.conf:7\n/s, 'with who includes it');
}

# --- the codes ----------------------------------------------------------------------------------

my @codes = slurp("$FindBin::Bin/../src/core/warning.def") =~ /^WARNING\("([^"]+)"/mg;
my %known = map { $_ => 1 } @codes;
my %used;
for my $file (glob("$FindBin::Bin/../src/*/*.c"), glob("$FindBin::Bin/../src/*/*/*.c")) {
    my $text = slurp($file);
    $used{$_} = 1 for $text =~ /\bDIAG_WARN,(?:\s*[\w.>\[\]-]+,)?\s*"([^"]+)"/g;
    $used{$_} = 1 for $text =~ /\bWARN\(cf, \w+, \w+, "([^"]+)"/g;
}
is(join(' ', sort keys %used), join(' ', @codes), 'the list has the codes of the source, sorted');
my @documented = $document =~ /^(?:## |\| `)([a-z-]+)(?:` \||$)/mg;
is(join(' ', sort @documented), join(' ', @codes), 'and so has the document');

unless (skipped('switches', differs => 'nginx has no --no-warn')) {
    my $help = $t->run_cli('-h')->{err};
    is(join(' ', $help =~ /^  ([a-z]\S+) +: .+$/mg), join(' ', @codes), 'and the help');
    for (['--no-warn', 'no-such'], ['--no-warn']) {
        my $run = $t->run_cli(@$_);
        is($run->{status}, 1, "@$_");
        like($run->{err}, @$_ > 1 ? qr/^weir: unknown warning: "no-such"$/ : qr/requires the code/,
            'what is wrong');
    }
}

# --- start and reload ---------------------------------------------------------------------------

unless (skipped('running', differs => 'nginx says nothing')) {
    my $server = Test::Weir->new(name => 'running');
    my $conf = in_server('location / { deny all; return 200; }');
    my $warning = qr/\[warn\] .*"deny" does nothing: "return" answers first in /;

    $server->write_conf($conf);
    $server->start(cold => 1);
    like($server->error_log, $warning, 'the log of the start');
    $server->write_conf($conf . "\n");
    my ($status, $output) = $server->reload;
    is($status, 0, 'reload');
    like($output, $warning, 'which says it too');
    is(() = $server->error_log =~ /$warning/g, 2, 'and logs it');
    $server->stop('QUIT');
}

done_testing();
