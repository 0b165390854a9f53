# What -t says about broken configurations. The first line of an answer is nginx's; the rest is
# weir's: where it is, what was expected, what else is wrong. docs/diagnostics.md shows the same
# files with the answers of both programs; what it says is compared with what they say.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Blocks;
use Test::Weir::Util qw(slurp);

# The sections of the document that show files: {name, files => {path => text}, answers =>
# {program => text}}.
sub sections
{
    my (undef, @parts) = split /^## (.+)\n/m, slurp("$FindBin::Bin/../docs/diagnostics.md");
    my @sections;

    while (my ($name, $text) = splice @parts, 0, 2) {
        my %section = (name => $name);
        while ($text =~ /(?:^`(\S+)`:\n\n)?^```(\w*)\n(.*?)^```\n/gms) {
            my ($path, $kind, $content) = ($1 // 'nginx.conf', $2, $3);
            my ($who) = $content =~ /^(\w+):/;
            $section{files}{$path} = $content if $kind eq 'nginx';
            $section{answers}{$who} = $content if $kind eq '' && defined $who;
        }
        push @sections, \%section if $section{files};
    }
    return @sections;
}

# As the document writes it: names without folders, and without the last line, always the same.
sub plain
{
    my ($t, $text) = @_;
    my $folder = $t->dir . '/conf/';

    $text =~ s/\Q$folder\E//g;
    $text =~ s/\bweir\.conf\b/nginx.conf/g;
    $text =~ s/^\w+: configuration file nginx\.conf test failed\n\z//m;
    return $text;
}

sub prepare
{
    my (%files) = @_;
    my $t = Test::Weir->new(name => 'document');

    $t->write_conf(delete $files{'nginx.conf'});
    $t->write_file("conf/$_", $files{$_}) for keys %files;
    return $t;
}

my %inputs = map { $_->{name} => $_->{full_config} =~ s/%%DIR%%\/html\///r }
    grep { exists $_->{full_config} } Test::Weir::Blocks::read_file(__FILE__);

my @sections = sections();
is(scalar(@sections), 10, 'ten files in the document');
for my $section (@sections) {
    my ($name, $files) = @{$section}{qw(name files)};
    my $t = prepare(%$files);
    is($files->{'nginx.conf'}, $inputs{$name}, "$name: the file");
    is(plain($t, $t->run_conf('-t')->{err}), $section->{answers}{on_oracle() ? 'nginx' : 'weir'},
        "$name: the answer");
}

unless (skipped('json', differs => 'nginx has no --json')) {
    my $t = prepare('nginx.conf' => $inputs{'An unknown variable'});
    my $run = $t->run_conf('-t', '--json');
    my ($json) = slurp("$FindBin::Bin/../docs/diagnostics.md") =~ /^```json\n(.*?)^```$/ms;
    is($run->{status}, 1, 'status with --json');
    is($run->{err}, '', 'nothing on standard error');
    is(plain($t, $run->{out}), $json, 'one object a line');
}

run_tests();

__DATA__

=== A missing semicolon
--- full_config
events { }

http {
    server {
        listen 8000
        server_name example.com;
        root /var/www/example;
    }
}
--- conf_error
%%NAME%%: [emerg] invalid parameter "server_name" in %%CONF%%:6

=== the word before it is shown
--- differs: more than one line
--- conf_error
     6:9 |         server_name example.com;
/^ +\|         \^{11}$/
%%CONF%%:5:16: is a ";" missing after "8000"?

=== A block that is not closed
--- full_config
events { }

http {
    server {
        listen 8000;

        location / {
            root /var/www/example;

        location /img/ {
            root /var/www/images;
        }
    }
}
--- conf_error
%%NAME%%: [emerg] unexpected end of file, expecting "}" in %%CONF%%:15

=== the block is found by its indentation
--- differs: more than one line
--- conf_error
%%CONF%%:3:6: the block opened here is not closed
%%CONF%%:7:20: by the indentation, the "}" of the block opened here is missing before line 10
/^ +\|                    \^$/

=== A misspelled directive
--- full_config
events { }

http {
    sendfile on;
    keepalive_timout 65;

    server {
        listen 8000;
    }
}
--- conf_error
%%NAME%%: [emerg] unknown directive "keepalive_timout" in %%CONF%%:5

=== the nearest name is told
--- differs: more than one line
--- conf_error
     5:5 |     keepalive_timout 65;
/^ +\|     \^{16}$/
/^    did you mean "keepalive_timeout"\?$/

=== A directive in the wrong place
--- full_config
events { }

http {
    root /var/www/example;

    location /img/ {
        root /var/www;
    }

    server {
        listen 8000;
    }
}
--- conf_error
%%NAME%%: [emerg] "location" directive is not allowed here in %%CONF%%:6

=== the right place is told
--- differs: more than one line
--- conf_error
     6:5 |     location /img/ {
/^ +\|     \^{8}$/
%%CONF%%:3:1: "location" is allowed in server, location; you are in http

=== A regular expression with a brace
--- full_config
events { }

http {
    server {
        listen 8000;
        server_name ~^www[0-9]{2}\.example\.com$;
        root /var/www/example;
    }
}
--- conf_error
%%NAME%%: [emerg] directive "server_name" is not terminated by ";" in %%CONF%%:6

=== the brace is shown, and how to quote it
--- differs: more than one line
--- conf_error
    6:31 |         server_name ~^www[0-9]{2}\.example\.com$;
/^ +\|                               \^$/
quote it: "~^www[0-9]{2}\.example\.com$"; an unquoted "{" starts a block

=== A directive given twice
--- full_config
events { }

http {
    server {
        listen 8000;
        root /var/www/old;
        index index.html;
        root /var/www/new;
    }
}
--- conf_error
%%NAME%%: [emerg] "root" directive is duplicate in %%CONF%%:8

=== both places are shown
--- differs: more than one line
--- conf_error
     8:9 |         root /var/www/new;
%%CONF%%:6:9: the first one stands here
     6:9 |         root /var/www/old;

=== A unit that does not exist
--- full_config
events { }

http {
    client_header_buffer_size 4kb;

    server {
        listen 8000;
    }
}
--- conf_error
%%NAME%%: [emerg] "client_header_buffer_size" directive invalid value in %%CONF%%:4

=== what a size looks like
--- differs: more than one line
--- conf_error
    4:31 |     client_header_buffer_size 4kb;
/^ +\|                               \^\^\^$/
/^    expected bytes; 16k is 16 times 1024, 1m is 1024k$/

=== An unknown variable
--- full_config
events { }

http {
    server {
        listen 8000;
        return 301 https://$hots$request_uri;
    }
}
--- conf_error
%%NAME%%: [emerg] unknown "hots" variable

=== where it is used, and the nearest name
--- differs: more than one line
--- conf_error
%%CONF%%:6:20: first used here
/^    did you mean "\$host"\?$/

=== An error in an included file
--- user_files
>>> sites/one.conf
server {
    listen 8000;
    server_name one.example.com;
    acces_log logs/one.log;
}
>>> sites/two.conf
server {
    listen 8000;
    server_name two.example.com;
    root /var/www/two
}
--- full_config
events { }

http {
    include %%DIR%%/html/sites/*.conf;
}
--- conf_error
%%NAME%%: [emerg] unknown directive "acces_log" in %%DIR%%/html/sites/one.conf:4

=== who includes it
--- differs: more than one line
--- conf_error
     4:5 |     acces_log logs/one.log;
/^    did you mean "access_log"\?$/
/^    included from %%CONF%%:4$/

=== Several errors in one file
--- full_config
events {
    worker_connection 1024;
}

http {
    include mime.typs;
    sendfile on
    keepalive_timeout 65;

    server {
        listen 80800;
        location / {
            index;
        }
        location / {
            return 200 "ok\n;
        }
    }
}
--- conf_error
%%NAME%%: [emerg] unknown directive "worker_connection" in %%CONF%%:2

=== each is told, in the order of the text
--- differs: more than one error
--- conf_error
open() "%%DIR%%/conf/mime.typs" failed (2: No such file or directory) in %%CONF%%:6
    6:13 |     include mime.typs;
invalid number of arguments in "sendfile" directive in %%CONF%%:8
%%CONF%%:7:14: is a ";" missing after "on"?
invalid port in "80800" of the "listen" directive in %%CONF%%:11
invalid number of arguments in "index" directive in %%CONF%%:13
duplicate location "/" in %%CONF%%:15
unexpected end of file, expecting ";" or "}" in %%CONF%%:20
%%CONF%%:16:24: the quote that begins here is not closed
/(?s)"worker_connection".*mime\.typs.*"sendfile".*"80800".*"index".*duplicate location.*unexpected/

=== a brace in the regular expression of a location
--- full_config
events { }
http {
    server {
        listen 8000;
        location ~ ^/user/[0-9]{4}/ {
            root html;
        }
    }
}
--- conf_error
[emerg] unknown directive "4}/" in %%CONF%%:5

=== how to quote it
--- differs: more than one line
--- conf_error
    5:33 |         location ~ ^/user/[0-9]{4}/ {
quote it: "^/user/[0-9]{4}/"; an unquoted "{" starts a block

=== JSON without quotes
--- config
return 200 {"ok":true};
--- conf_error
[emerg] directive "return" is not terminated by ";" in %%CONF%%:

=== it is to be quoted too
--- differs: more than one line
--- conf_error
quote it: '{...}'; an unquoted "{" starts a block

=== a quote within a quoted word
--- full_config
events { }
http {
    log_format a "name="$host"";
}
--- conf_error
[emerg] unexpected "$" in %%CONF%%:3

=== how to write it
--- differs: more than one line
--- conf_error
    3:25 |     log_format a "name="$host"";
a closing quote must be followed by a blank, ";" or "{"; a quote within the word is written \"

=== the last semicolon of a block
--- full_config
events { }
http {
    server {
        listen 8000
    }
}
--- conf_error
[emerg] unexpected "}" in %%CONF%%:5

=== where it is missing
--- differs: more than one line
--- conf_error
%%CONF%%:4:20: ";" is missing here
/^ +\|                    \^$/

=== a semicolon is missing before a block
--- full_config
events { }
http {
    keepalive_timeout 65
    server {
        listen 8000;
    }
}
--- conf_error
[emerg] directive "keepalive_timeout" is not terminated by ";" in %%CONF%%:4

=== it is told behind which word
--- differs: more than one line
--- conf_error
%%CONF%%:3:23: is a ";" missing after "65"?

=== a brace too many at the end
--- full_config
events { }
http {
    server {
        listen 8000;
    }
    }
}
--- conf_error
[emerg] unexpected "}" in %%CONF%%:7

=== by the indentation it is another one
--- differs: more than one line
--- conf_error
%%CONF%%:6:5: by the indentation, this may be the "}" that is too many

=== a brace is missing, and what follows seems to be in the wrong place
nginx tells of the first directive that is in the wrong place then.
--- differs: "server" directive is not allowed here in ...:9
--- full_config
events { }
http {
    server {
        listen 8000;
        location / {
            root html;
    }

    server {
        listen 8001;
    }
}
--- conf_error
[emerg] unexpected end of file, expecting "}" in %%CONF%%:13
%%CONF%%:5:20: by the indentation, the "}" of the block opened here is missing before line 7

=== a file that includes itself
--- differs: nginx goes on until it has no descriptor left
--- full_config
events { }
include %%CONF%%;
--- conf_error
"%%CONF%%" includes itself in %%CONF%%:2

=== nothing but the error that others follow from
--- differs: one error
--- full_config
events { }
http {
    server {
        listen 8000
        server_name a;
        root html
        index a.html;
    }
}
--- conf_error
[emerg] invalid parameter "server_name" in %%CONF%%:5
[emerg] invalid number of arguments in "root" directive in %%CONF%%:7
