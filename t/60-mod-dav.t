# ngx_http_dav_module: PUT, DELETE, MKCOL, COPY and MOVE, what they answer and what is on the disk.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use File::Find ();
use File::Temp ();

my $t;

# A tree that the workers' user may change: files by name, folders by a slash at the end.
sub tree
{
    my (%files) = @_;

    for my $name (sort keys %files) {
        my ($dir, $path) = ('html', $t->dir . "/html/$name");
        for my $part (split /\//, $name =~ s/[^\/]+$//r) {
            $dir .= "/$part";
            mkdir $t->dir . "/$dir";
            chmod 0777, $t->dir . "/$dir";
        }
        $t->write_file("html/$name", $files{$name}, mode => 0666) if $name !~ /\/$/;
    }
    return;
}

# What is there: names, and how many bytes.
sub listing
{
    my ($dir) = @_;
    my @found;
    my $top = $t->dir . '/html/' . $dir;

    return 'nothing' if !-e $top && !-l $top;
    $top = readlink $top if -l $top;
    File::Find::find({no_chdir => 1, wanted => sub {
        return if $_ eq $top;
        my $name = s/^\Q$top\E\/?//r;
        push @found, -l $_ ? "$name@" : -d $_ ? "$name/" : "$name=" . -s $_;
    }}, $top);
    return join ' ', sort @found;
}

sub mode_of
{
    my ($name) = @_;
    my @stat = stat $t->dir . "/html/$name";

    return @stat ? sprintf('%o', $stat[2] & 0777) : 'none';
}

# [method, uri, {headers} or [headers], status, listing of a folder...]
sub steps
{
    my ($name, @steps) = @_;

    for my $step (@steps) {
        my ($method, $uri, $headers, $status, $dir, $expected) = @$step;
        my @headers = map { s/%PORT%/$t->port/er } @$headers;
        my ($body) = grep { ref } @headers;
        my $answer = request($t->port, $method, $uri, headers => [grep { !ref } @headers],
            $body ? (body => $$body) : ());
        my $shown = "$name: $method $uri @{[map { ref ? 'and a body' : $_ } @headers]}";
        is($answer->{status}, $status, $shown);
        is(listing($dir), $expected, "$shown: on the disk") if defined $dir;
    }
    return;
}

sub to
{
    my ($path, @headers) = @_;

    return [Destination => "http://localhost$path", @headers];
}

$t = Test::Weir->new(name => 'dav');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    access_log off;
    client_body_buffer_size 1k;
    client_max_body_size 2m;
    root html;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
        dav_methods PUT DELETE MKCOL COPY MOVE;
        location / { }
        location /full/ { create_full_put_path on; dav_access group:rw all:r; }
        location /group/ { dav_access group:r; }
        location /odd/ { dav_access user:r all:rw; }
        location /deep/ { min_delete_depth 3; }
        location /put/ { dav_methods put; }
        location /none/ { dav_methods off; }
        location /alias/ { alias html/behind/; }
        location = /one { alias html/behind/one; }
        location ~ ^/regex/(.*)$ { alias html/behind/$1; }
        location /files/ { client_body_in_file_only clean; }
        location /kept/ { client_body_in_file_only on; }
        location /limited/ { client_max_body_size 10; }
        location /paged/ { error_page 409 = @paged; }
        location @paged { return 200 "paged\n"; }
    }
}
CONF
$t->write_file('html/index.html', "index\n");
chmod 0777, $t->dir . '/html';
$t->start;
$t->allow_log(qr/\[crit\] .*failed \((?:2|13|20|22|36|39): /);

# --- PUT ----------------------------------------------------------------------------------------

{
    tree('p/' => 1);
    my $put = sub { my ($uri, $body, @headers) = @_;
        request($t->port, 'PUT', $uri, body => $body, headers => \@headers) };
    my $answer = $put->('/p/a.txt', 'hello');
    is($answer->{status}, 201, 'PUT: a new file');
    is($answer->{header}{location}, 'http://localhost:' . $t->port . '/p/a.txt', 'PUT: Location');
    is($answer->{header}{'content-length'}, 0, 'PUT: no body');
    is($answer->{header}{'content-type'}, undef, 'PUT: no type');
    is(get($t->port, '/p/a.txt')->{body}, 'hello', 'PUT: it can be read');
    is(mode_of('p/a.txt'), '600', 'PUT: its mode');
    $answer = $put->('/p/a.txt', 'another');
    is($answer->{status}, 204, 'PUT: a file that was there');
    is($answer->{header}{location}, undef, 'PUT: no Location then');
    is(get($t->port, '/p/a.txt')->{body}, 'another', 'PUT: the new content');
    is($put->('/p/a%20b%25%c3%a4', 'x')->{header}{location},
        'http://localhost:' . $t->port . '/p/a%20b%25%C3%A4', 'PUT: Location is escaped');
    my $big = join '', map { "line $_\n" } 1 .. 50_000;
    is($put->('/p/big', $big)->{status}, 201, 'PUT: a body in a file');
    ok(get($t->port, '/p/big')->{body} eq $big, 'PUT: all of it');
    is($put->('/p/empty', '')->{status}, 201, 'PUT: an empty body');
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } 'a' x 700, 'b' x 900, '';
    is($put->('/p/chunks', $chunks, 'Transfer-Encoding' => 'chunked')->{status}, 201,
        'PUT: chunks');
    is(get($t->port, '/p/chunks')->{body}, 'a' x 700 . 'b' x 900, 'PUT: chunks together');
    is(listing('p'), "a b%\xc3\xa4=1 a.txt=7 big=" . length($big) . ' chunks=1600 empty=0',
        'PUT: nothing else is left');
    is($put->('/p/dated', 'x', Date => 'Thu, 01 Jan 2009 00:00:00 GMT')->{status}, 201,
        'PUT: with a date');
    is(get($t->port, '/p/dated')->{header}{'last-modified'}, 'Thu, 01 Jan 2009 00:00:00 GMT',
        'PUT: which the file has');
    is($put->('/p/undated', 'x', Date => 'yesterday', 'Last-Modified' =>
        'Thu, 01 Jan 2009 00:00:00 GMT')->{status}, 201, 'PUT: with a date that is none');
    isnt(get($t->port, '/p/undated')->{header}{'last-modified'}, 'Thu, 01 Jan 2009 00:00:00 GMT',
        'PUT: now is its time');
    is($put->('/p/limited', 'x' x 3_000_000)->{status}, 413, 'PUT: too large');
    is($put->('/full/a/b/c.txt', 'x')->{status}, 201, 'create_full_put_path');
    is(mode_of('full/a/b/c.txt'), '664', 'create_full_put_path: mode of the file');
    like(mode_of('full/a'), qr/^7[57]5$/, 'create_full_put_path: and of a folder');
    tree('group/' => 1, 'odd/' => 1, 'put/' => 1, 'behind/' => 1, 'files/' => 1, 'kept/' => 1,
        'limited/' => 1, 'paged/' => 1);
    is($put->('/group/a', 'x')->{status}, 201, 'dav_access');
    is(mode_of('group/a'), '640', 'dav_access: the user always has all');
    is($put->('/odd/a', 'x')->{status}, 201, 'dav_access: unless it is said');
    is(mode_of('odd/a'), '406', 'dav_access: what was said');
    is($put->('/put/a', 'x')->{status}, 201, 'dav_methods in another case');
    is($put->('/alias/a', 'x')->{status}, 201, 'PUT behind an alias');
    is($put->('/one', 'x')->{status}, 201, 'PUT of one file behind an alias');
    is($put->('/regex/b', 'x')->{status}, 201, 'PUT behind a regex');
    is(listing('behind'), 'a=1 b=1 one=1', 'PUT behind aliases: where they are');
    is($put->("/$_/a", 'x' x 5_000)->{status}, 201, "PUT of a body in a file: $_")
        for qw(files kept);
    is(-s $t->dir . "/html/$_/a", 5000, "PUT of a body in a file: $_: its size")
        for qw(files kept);
    is($put->('/limited/a', 'x' x 11)->{status}, 413, 'PUT: too large for the location');
    is($put->('/paged/', 'x')->{body}, "paged\n", 'PUT: an own page for an error');
}

steps('PUT',
    ['PUT', '/p/', [\'x'], 409], ['PUT', '/', [\'x'], 409], ['PUT', '/p', [\'x'], 409],
    ['PUT', '/none/a', [\'x'], 405], ['PUT', '/p/none/a', [\'x'], 500],
    ['PUT', '/p/a.txt/a', [\'x'], 500], ['PUT', '/p/' . 'x' x 300, [\'x'], 500],
    ['PUT', '/p/range', [\'x', 'Content-Range', 'bytes 0-0/2'], 501],
    ['DELETE', '/put/a', [], 405], ['PROPFIND', '/p/a.txt', [], 405]);
is(listing('p') =~ /\.dav-/, '', 'PUT: nothing is left of those that failed');

symlink 'nowhere', $t->dir . '/html/p/link';
steps('PUT instead of a link', ['PUT', '/p/link', [\'xyz'], $_ ? 204 : 201]) for !on_oracle();
is(-l $t->dir . '/html/p/link' ? 'a link' : -s _, 3, 'PUT instead of a link: it is a file');

if (!skipped('PUT without any body', differs => 'it makes an empty file')) {
    steps('PUT', ['PUT', '/p/nobody', [], 201]);
    is(-s $t->dir . '/html/p/nobody', 0, 'PUT without any body: an empty file');
}

# --- MKCOL --------------------------------------------------------------------------------------

steps('MKCOL',
    ['MKCOL', '/m', [], 409], ['MKCOL', '/m/', [], 201], ['MKCOL', '/m/', [], 405],
    ['MKCOL', '/', [], 405], ['MKCOL', '/m/none/a/', [], 409], ['MKCOL', '/p/a.txt/', [], 405],
    ['MKCOL', '/p/a.txt/a/', [], 409], ['MKCOL', '/m/b/', [\'body'], 415],
    ['MKCOL', '/m/' . 'x' x 300 . '/', [], 409], ['MKCOL', '/group/g/', [], 201],
    ['MKCOL', '/odd/o/', [], 201]);
is(mode_of('m'), '700', 'MKCOL: mode');
is(mode_of('group/g'), '750', 'MKCOL: who reads a folder may search it');
like(mode_of('odd/o'), qr/^50[57]$/, 'MKCOL: also others');
is(request($t->port, 'MKCOL', '/m/n%20o/')->{header}{location},
    'http://localhost:' . $t->port . '/m/n%20o/', 'MKCOL: Location');

# --- DELETE -------------------------------------------------------------------------------------

tree('d/a' => 'a', 'd/b' => 'b', 'd/t/a/b/c' => 'c', 'd/t/d' => 'd', 'd/e/' => 1);
steps('DELETE',
    ['DELETE', '/d/a', [], 204], ['DELETE', '/d/a', [], 404], ['DELETE', '/d/%62', [], 204],
    ['DELETE', '/d/t', [], 409], ['DELETE', '/d/t/d/', [], 409], ['DELETE', '/d/x/y', [], 404],
    ['DELETE', '/d/t/', [Depth => 0], 400], ['DELETE', '/d/t/', [Depth => 1], 400],
    ['DELETE', '/d/t/', [Depth => 'Infinity'], 400], ['DELETE', '/d/t/d', [Depth => 1], 400],
    ['DELETE', '/d/t/d', [Depth => 0], 204], ['DELETE', '/d/t/', [\'body'], 415],
    ['DELETE', '/d/e/', [], 204, 'd', 't/ t/a/ t/a/b/ t/a/b/c=1'],
    ['DELETE', '/d/t/', [Depth => 'infinity'], 204, 'd', '']);
tree('deep/a/b/c' => 'c', 'deep/a/f' => 'f');
steps('min_delete_depth',
    ['DELETE', '/deep/', [], 409], ['DELETE', '/deep/a/', [], 409], ['DELETE', '/deep/a', [], 409],
    ['DELETE', '/deep/a/f', [], 204], ['DELETE', '/deep/a/b/', [], 204, 'deep', 'a/']);
like($t->error_log, qr/insufficient URI depth:3 to DELETE/, 'min_delete_depth: logged');
like($t->error_log, qr/client sent invalid "Depth" header: "Infinity"/, 'Depth: logged');

tree('l/kept' => 'kept', 'd/f' => 'f');
symlink '../l', $t->dir . '/html/d/folder';
symlink '../l/kept', $t->dir . '/html/d/file';
steps('DELETE of links', ['DELETE', '/d/folder', [], 204], ['DELETE', '/d/file', [], 204]);
is(listing('l') . ' ' . listing('d'), 'kept=4 f=1', 'DELETE of links: what they lead to stays');
if (!skipped('a folder with links', differs => 'links are not followed, nor do they stop it')) {
    tree('d/g/h/i' => 'i');
    symlink '../../l', $t->dir . '/html/d/g/folder';
    symlink 'nowhere', $t->dir . '/html/d/g/h/broken';
    symlink '../l', $t->dir . '/html/d/slash';
    steps('DELETE of links', ['DELETE', '/d/g/', [], 204, 'd', 'f=1 slash@'],
        ['DELETE', '/d/slash/', [], 204, 'd', 'f=1']);
    is(listing('l'), 'kept=4', 'DELETE of links: what they lead to stays');
}
if (!skipped('the root', differs => 'it is not removed')) {
    steps('DELETE of the root', ['DELETE', '/', [], 403], ['DELETE', '/alias/', [], 403]);
    steps('MOVE of the root', ['MOVE', '/', to('/root/'), 403], ['MOVE', '/d/', to('/'), 403],
        ['COPY', '/d/', to('/'), 403, 'd', 'f=1']);
}

# --- COPY, MOVE: heads --------------------------------------------------------------------------

my %times = (atime => 1_000_000_000, mtime => 1_000_000_000);
for my $method (qw(COPY MOVE)) {
    my $zero = $method eq 'COPY' ? 204 : 400;
    tree('c/a' => 'aaa', 'c/old' => 'old', 'c/folder/' => 1);
    steps('heads',
        [$method, '/c/a', [], 400], [$method, '/c/a', [Destination => ''], 400],
        [$method, '/c/a', [Destination => 'x'], 400],
        [$method, '/c/a', [Destination => 'ftp://localhost/c/b'], 400],
        [$method, '/c/a', [Destination => 'http://other/c/b'], 400],
        [$method, '/c/a', to('/../b'), 400], [$method, '/c/a', to('/c/%2e%2e/%2E%2e/b'), 400],
        [$method, '/c/a', to('/c/b', Depth => 1), 400],
        [$method, '/c/a', to('/c/b', Depth => 'x'), 400],
        [$method, '/c/a', to('/c/old', Overwrite => 'x'), 400],
        [$method, '/c/a', to('/c/old', Overwrite => 'TT'), 400],
        [$method, '/c/a', to('/c/old', Overwrite => 'F'), 412],
        [$method, '/c/a', to('/c/old', Overwrite => 'f'), 412],
        [$method, '/c/a', [@{to('/c/b')}, \'body'], 415],
        [$method, '/c/a', to('/c/b/'), 409], [$method, '/c/a', to('/c/folder'), 409],
        [$method, '/c/folder', to('/c/b'), 400], [$method, '/c/folder/', to('/c/b'), 409],
        [$method, '/c/folder', to('/c/b/'), 409], [$method, '/c/a/', to('/c/b/'), 404],
        [$method, '/c/none', to('/c/b'), 404], [$method, '/c/none/', to('/c/b/'), 404],
        [$method, '/c/a', to('/c/old/b'), 404],
        [$method, '/c/folder/', to('/c/none/b/'), 404],
        [$method, '/c/a', to('/c/b', Depth => 0), $zero],
        [$method, '/c/folder/', to('/c/b/', Depth => 1), 400]);
    is(listing('c'), $method eq 'COPY' ? 'a=3 b=3 folder/ old=3' : 'a=3 folder/ old=3',
        "$method: nothing was done");
    unlink $t->dir . '/html/c/b';
    for my $destination ('/c/b', 'http://localhost/c/b', 'http://localhost:%PORT%/c/b',
        'http://localhost/c/%62?x=1') {
        tree('c/a' => 'aaa');
        steps('good heads', [$method, '/c/a', [Destination => $destination], 204]);
        is(get($t->port, '/c/b')->{body}, 'aaa', "$method to $destination: it is there");
        unlink $t->dir . '/html/c/b';
    }
    if (!skipped('hosts', differs => 'case does not matter; https may end before this server')) {
        for my $destination ('http://LocalHost/c/b', 'https://localhost/c/b', '/c/x/../b') {
            tree('c/a' => 'aaa');
            steps('good heads', [$method, '/c/a', [Destination => $destination], 204]);
            unlink $t->dir . '/html/c/b';
        }
        steps('two destinations', [$method, '/c/a', [Destination => '/c/b', Destination => '/c/d'],
            400]);
    }
    tree('behind/q' => 'qq');
    steps('alias', [$method, '/alias/q', to('/alias/w'), 204],
        [$method, '/alias/w', to('/zz'), 400]);
    if (!skipped('alias', differs => 'the destination is in the location')) {
        tree('behind/w' => 'ww');
        steps('alias', [$method, '/alias/w', to('/outside'), 400],
            [$method, '/alias/w', to('/otherx/location'), 400],
            [$method, '/regex/w', to('/regex/v'), 400], [$method, '/one', to('/onemore'), 400]);
    }
    unlink glob $t->dir . '/html/behind/[qw]';
    is(listing('behind'), 'a=1 b=1 one=1', "$method: nothing else behind the alias");
}
my $log = $t->error_log;
like($log, qr/\Q$_\E/, "logged: $_") for 'client sent no "Destination" header',
    'client sent invalid "Destination" header: "x"', '"Depth" header must be infinity',
    '"Depth" header must be 0 or infinity', 'client sent invalid "Overwrite" header: "x"',
    '"Destination" URI "http://other/c/b" is handled by different repository than the source URI',
    'both URI "/c/a" and "Destination" URI "http://localhost/c/b/" should be either collections ' .
    'or non-collections', 'COPY and MOVE with body are unsupported';

# --- COPY, MOVE: files and folders --------------------------------------------------------------

tree('f/a' => 'aaa');
steps('before', ['PUT', '/f/old', [\'older'], 201]);
chmod 0604, $t->dir . '/html/f/a';
utime 1_000_000_000, 1_000_000_000, $t->dir . '/html/f/a';
steps('COPY of a file',
    ['COPY', '/f/a', to('/f/b'), 204, 'f', 'a=3 b=3 old=5'],
    ['COPY', '/f/a', to('/f/old'), 204, 'f', 'a=3 b=3 old=3'],
    ['COPY', '/f/a', to('/f/none/b'), 500]);
is(mode_of('f/b'), '604', 'COPY of a file: mode');
is((stat $t->dir . '/html/f/b')[9], 1_000_000_000, 'COPY of a file: time');
steps('MOVE of a file',
    ['MOVE', '/f/a', to('/f/old'), 204, 'f', 'b=3 old=3'],
    ['MOVE', '/f/b', to('/f/b'), 204, 'f', 'b=3 old=3'],
    ['MOVE', '/f/b', to('/f/new/way/b'), 204, 'f', 'new/ new/way/ new/way/b=3 old=3']);

my %source = ('s/x/1' => '1', 's/y' => 'yy', 's/z/zz/zzz' => '333');
my $all = 'x/ x/1=1 y=2 z/ z/zz/ z/zz/zzz=3';
tree(%source, 'target/kept/k' => 'k', 'file' => 'f');
chmod 0755, $t->dir . '/html/s/z/zz';
steps('COPY of a folder',
    ['COPY', '/s/', to('/s2/'), 201, 's2', $all],
    ['COPY', '/s/', to('/target/', Overwrite => 'F'), 412, 'target', 'kept/ kept/k=1'],
    ['COPY', '/s/', to('/target/', Depth => 'infinity'), 201, 'target', $all],
    ['COPY', '/s/', to('/file/'), 201, 'file', $all]);
is(mode_of('s2/z/zz'), '755', 'COPY of a folder: modes inside of it');
is(listing('s'), $all, 'COPY of a folder: the source is as it was');
tree('target2/kept/k' => 'k', 'file2' => 'f');
steps('MOVE of a folder',
    ['MOVE', '/s/', to('/s3/'), 201, 's3', $all], ['MOVE', '/s/', to('/s4/'), 404, 's', 'nothing'],
    ['MOVE', '/s2/', to('/target2/', Overwrite => 'F'), 412],
    ['MOVE', '/s2/', to('/target2/', Overwrite => 'T'), 201, 'target2', $all],
    ['MOVE', '/s3/', to('/file2/'), 201, 'file2', $all]);
is(join(' ', map { listing($_) } qw(s2 s3)), 'nothing nothing', 'MOVE of a folder: gone');

if (!skipped('into itself', differs => 'nothing is lost')) {
    tree(%source, 'self' => 'self');
    steps('into itself',
        ['COPY', '/self', to('/self'), 204],
        ['COPY', '/s/', to('/s/'), 201, 's', $all],
        ['MOVE', '/s/', to('/s/in/'), 409, 's', $all],
        ['MOVE', '/s/x/', to('/s/'), 404, 's', $all],
        ['COPY', '/s/', to('/s/in/'), 201, 's/in', $all],
        ['COPY', '/s/in/', to('/s/'), 201, 's', $all],
        ['COPY', '/s/', to('/shallow/', Depth => 0), 201, 'shallow', '']);
    is(-s $t->dir . '/html/self', 4, 'into itself: a file keeps its bytes');
    symlink '../l', $t->dir . '/html/s/link';
    symlink '.', $t->dir . '/html/s/x/loop';
    symlink 'nowhere', $t->dir . '/html/s/broken';
    steps('links stay links', ['COPY', '/s/', to('/links/'), 201, 'links',
        'broken@ link@ x/ x/1=1 x/loop@ y=2 z/ z/zz/ z/zz/zzz=3']);
}

# --- another file system ------------------------------------------------------------------------

SKIP: {
    my $other = eval {
        File::Temp::tempdir('weir-test-XXXXXX', DIR => '/dev/shm', CLEANUP => 1);
    };
    skip 'there is only one file system here', 1
        if !$other || (stat $other)[0] == (stat $t->dir)[0];
    chmod 0777, $other;
    symlink $other, $t->dir . '/html/other';
    tree('x/a' => 'aaa', map { ("x/folder/$_" => $source{$_}) } keys %source);
    my $big = 'big' x 50_000;
    steps('another file system',
        ['PUT', '/other/big', [\$big], 201], ['PUT', '/other/big', [\$big], 204],
        ['COPY', '/x/a', to('/other/copy'), 204], ['MOVE', '/x/a', to('/other/moved'), 204],
        ['MOVE', '/other/big', to('/x/big'), 204], ['COPY', '/x/folder/', to('/other/f/'), 201],
        ['MOVE', '/x/folder/', to('/other/g/'), 201, 'x', 'big=150000']);
    my @trees = map { my $top = $_; ("$top/", "$top/s/", map { "$top/s/$_" } split / /, $all) }
        qw(f g);
    is(listing('other'), "copy=3 @trees moved=3", 'another file system: what came there');
    ok(get($t->port, '/x/big')->{body} eq $big, 'another file system: and what came back');
}

# --- who may ------------------------------------------------------------------------------------

SKIP: {
    skip 'the workers of another user than root may do anything here', 1 if $> != 0;
    mkdir $t->dir . '/html/closed';
    mkdir $t->dir . '/html/closed/folder';
    $t->write_file('html/closed/a', 'a');
    tree('open/b' => 'b', 'open/sub/x' => 'x');
    steps('without permission',
        ['PUT', '/closed/new', [\'x'], 500], ['PUT', '/closed/a', [\'x'], 500],
        ['DELETE', '/closed/a', [], 403], ['DELETE', '/closed/folder/', [], 403],
        ['MKCOL', '/closed/new/', [], 403], ['COPY', '/open/b', to('/closed/b'), 500],
        ['MOVE', '/open/b', to('/closed/b'), 500],
        ['COPY', '/closed/folder/', to('/closed/more/'), 403]);
    is(listing('closed'), 'a=1 folder/', 'without permission: nothing was done');
    is(listing('open'), 'b=1 sub/ sub/x=1', 'without permission: nothing is lost');
}
unlike(join(' ', map { listing($_) } ''), qr/\.dav-/, 'nothing temporary is left');
$t->stop;

run_tests();

__DATA__

=== values that dav_access does not know
--- config
dav_access user:rw group:x;
--- conf_error
[emerg] invalid value "group:x" in %%CONF%%:

=== a user that dav_access does not know
--- config
dav_access everybody:rw;
--- conf_error
[emerg] invalid value "everybody:rw" in %%CONF%%:

=== a method that dav_methods does not know
--- config
dav_methods PUT PATCH;
--- conf_error
[emerg] invalid value "PATCH" in %%CONF%%:

=== a method twice is only a warning
--- config
dav_methods PUT PUT;
--- conf_ok
[warn] duplicate value "PUT" in %%CONF%%:

=== min_delete_depth is a number
--- config
min_delete_depth deep;
--- conf_error
[emerg] "min_delete_depth" directive invalid number in %%CONF%%:

=== create_full_put_path is on or off
--- config
create_full_put_path yes;
--- conf_error
[emerg] invalid value "yes" in "create_full_put_path" directive, it must be "on" or "off" in
