#!/usr/bin/perl

# The command line: every switch, what it says, its exit status, and what it leaves on disk.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::Weir;
use Test::Weir::Util qw(slurp);

my $name = Test::Weir::program();
my $t = Test::Weir->new(name => 'command line');
my $dir = $t->dir;
my @paths = ('-p', "$dir/", '-e', 'logs/start.log');
my $own = 'pid logs/a.pid; error_log logs/a.log;';

$t->write_file('conf/good.conf', "$own\nevents { }\n");
$t->write_file('conf/bad.conf', "$own\nevents { }\nnonsense on;\n");
$t->write_file('conf/plain.conf', "events { }\n");

my $good = "$name: the configuration file $dir/conf/good.conf syntax is ok\n"
    . "$name: configuration file $dir/conf/good.conf test is successful\n";

# Runs with @$args after the paths of this test: the status, and standard error by text or regex.
sub says
{
    my ($what, $args, $status, $expected) = @_;
    my $run = $t->run_cli(@paths, @$args);

    is($run->{status}, $status, "$what: status");
    ref $expected ? like($run->{err}, $expected, $what) : is($run->{err}, $expected, $what);
    is($run->{out}, '', "$what: nothing on standard output") unless "@$args" =~ /-\w*T/;
    return $run;
}

# Everything below the prefix, with times and sizes.
sub tree
{
    my %tree;

    require File::Find;
    File::Find::find({no_chdir => 1, wanted => sub {
        my ($mode, $size, $mtime) = (lstat)[2, 7, 9];
        $tree{$_} = -d _ ? 'folder' : sprintf '%o %d %d', $mode, $size, $mtime;
    }}, $dir);
    delete @tree{grep { m{/run\.\d+\.\w+$} } keys %tree};
    return \%tree;
}

# --- words that are wrong -------------------------------------------------------------------------

for my $case (
    [['-x'], 'invalid option: "x"'],
    [['-tx'], 'invalid option: "x"'],
    [['-vx'], 'invalid option: "x"'],
    [['-tqZ'], 'invalid option: "Z"'],
    [['word'], 'invalid option: "word"'],
    [['-t', 'word'], 'invalid option: "word"'],
    [['-v', '-T', ''], 'invalid option: ""'],
    [['-c'], 'option "-c" requires file name'],
    [['-tc'], 'option "-c" requires file name'],
    [['-e'], 'option "-e" requires file name'],
    [['-p'], 'option "-p" requires directory name'],
    [['-g'], 'option "-g" requires parameter'],
    [['-s'], 'option "-s" requires parameter'],
    [['-s', 'foo'], 'invalid option: "-s foo"'],
    [['-sfoo'], 'invalid option: "-s foo"'],
    [['-s', ''], 'invalid option: "-s "'],
    [['-s', 'STOP'], 'invalid option: "-s STOP"'],
    [['-s', 'stopp'], 'invalid option: "-s stopp"'],
    [['-t', '-s', 'foo', '-x'], 'invalid option: "-s foo"'],
    )
{
    says("'@{$case->[0]}'", $case->[0], 1, "$name: $case->[1]\n");
}
unless (skipped('long options', differs => 'nginx names the second "-" only')) {
    says('a long option', ['--version'], 1, qr/^weir: invalid option: "--version"$/);
    says('two dashes', ['--'], 1, qr/^weir: invalid option: "--"$/);
}

# --- version and help -----------------------------------------------------------------------------

my $version = qr{\Q$name\E version: \Q$name\E/\d+\.\d+\.\d+( \(.+\))?\n};

says('-v', ['-v'], 0, qr/^$version\z/);
says('-v reads no configuration', ['-c', 'conf/missing.conf', '-v'], 0, qr/^$version\z/);
says('-V', ['-V'], 0, qr/^$version(?:.+\n)*configure arguments:.*\n\z/);
says('-vV', ['-vV'], 0, qr/^$version(?:.+\n)*configure arguments:.*\n\z/);
for my $help (['-h'], ['-?'], ['-vh'], ['-hq'], ['-h', '-c', 'conf/missing.conf']) {
    says("'@$help'", $help, 0,
        qr/^${version}Usage: $name \[-\?hvVtTq\] \[-s signal\] \[-p prefix\]\n/);
}
my $help = $t->run_cli('-h')->{err};
like($help, qr/^ +-(?:\?,-)?$_ .*: /m, "-$_ is in the help") for qw(h v V t T q s p e c g);

# --- -t -------------------------------------------------------------------------------------------

says('-t', ['-c', 'conf/good.conf', '-t'], 0, $good);
says('attached words', ['-cconf/good.conf', '-t', "-p$dir"], 0, $good);
says('letters together', ['-tcconf/good.conf'], 0, $good);
says('-tq', ['-tq', '-c', 'conf/good.conf'], 0, '');
says('-qt', ['-qt', '-c', 'conf/good.conf'], 0, '');
says('-q alone before -t', ['-q', '-t', '-c', 'conf/good.conf'], 0, '');
says('-vt', ['-vt', '-c', 'conf/good.conf'], 0, qr/^$version\Q$good\E\z/);
says('-ht', ['-ht', '-c', 'conf/good.conf'], 0, qr/^${version}Usage:.*\n\Q$good\E\z/s);
says('the last -c counts', ['-c', 'conf/bad.conf', '-t', '-c', 'conf/good.conf'], 0, $good);
says('-t goes before -s', ['-t', '-s', 'stop', '-c', 'conf/good.conf'], 0, $good);
says('an absolute -c', ['-t', '-c', "$dir/conf/good.conf"], 0, $good);

my $failed = qr/^$name: configuration file \Q$dir\E\/conf\/bad\.conf test failed\n\z/m;
for my $letters ('-t', '-tq', '-T') {
    my $run = says("a bad file, $letters", [$letters, '-c', 'conf/bad.conf'], 1, $failed);
    like($run->{err}, qr{^$name: \[emerg\] unknown directive "nonsense" in $dir/conf/bad\.conf:3$}m,
        "a bad file, $letters: the error");
    is($run->{out}, '', "a bad file, $letters: no dump");
}
for my $case (
    ['conf/missing.conf',
        "open() \"$dir/conf/missing.conf\" failed (2: No such file or directory)"],
    ['conf/empty.conf', 'no "events" section in configuration'],
    )
{
    $t->write_file('conf/empty.conf', '');
    says($case->[0], ['-t', '-c', $case->[0]], 1,
        qr{^$name: \[emerg\] \Q$case->[1]\E\n(?:.*\n)*$name: .* test failed\n\z}m);
}
says('a folder', ['-t', '-c', 'conf'], 1,
    qr/read\(\) "\Q$dir\E\/conf" failed \(21: Is a directory\)/);

# Warnings are said with -q too: they are no chatter.
$t->write_file('conf/warn.conf', "$own events { } http { " .
    (on_oracle() ? Test::Weir::Conf::oracle_text('http { ') =~ s/.*\{//r : '') .
    join('', ('server { listen 127.0.0.1:%%PORT%%; server_name a; } ') x 2) . '}');
for my $letters ('-t', '-tq') {
    says("a warning, $letters", [$letters, '-c', 'conf/warn.conf'], 0,
        qr/^$name: \[warn\] conflicting server name "a" on 127\.0\.0\.1:\d+, ignored\n/);
}

# --- where things are -----------------------------------------------------------------------------

for my $prefix ('.', './', "$dir//") {
    my $run = $t->run_cli({cwd => $dir}, '-p', $prefix, '-c', 'conf/good.conf', '-t',
        '-e', 'logs/start.log');
    my $shown = $prefix =~ m{/$} ? $prefix : "$prefix/";
    is($run->{status}, 0, "prefix $prefix");
    like($run->{err}, qr{^$name: the configuration file \Q$shown\Econf/good\.conf syntax is ok\n},
        "prefix $prefix: names begin with it");
}
my $elsewhere = $t->run_cli({cwd => "$dir/conf"}, @paths, '-t', '-c', 'good.conf');
is($elsewhere->{status}, 1, 'a relative -c is not looked for in the current folder');
like($elsewhere->{err}, qr{\[emerg\] open\(\) "$dir/good\.conf" failed \(2: },
    'but below the prefix');

$t->write_file('conf/sub/main.conf', "$own\ninclude one.conf;\ninclude two/*.conf;\nevents { }\n");
$t->write_file('conf/sub/one.conf', "env ONE;");
says('an include is looked for beside the file', ['-tq', '-c', 'conf/sub/main.conf'], 0, '');

for my $case (
    ['pid', 'pid missing/x.pid; error_log logs/a.log;', 'missing/x.pid'],
    ['error_log', 'pid logs/a.pid; error_log missing/x.log;', 'missing/x.log'],
    )
{
    my ($directive, $text, $path) = @$case;
    says("$directive in no folder", ['-t', '-c', 'conf/plain.conf', '-g', $text], 1,
        qr{^$name: \[emerg\] open\(\) "$dir/$path" failed \(2: No such file or directory\)}m);
}
says('-e in no folder', ['-e', 'missing/x.log', '-t', '-c', 'conf/good.conf'], 0,
    qr{^$name: \[alert\] could not open error log file: open\(\) "$dir/missing/x\.log" failed });
says('-e stderr', ['-e', 'stderr', '-tq', '-c', 'conf/good.conf'], 0, '');
says('an empty -e', ['-e', '', '-tq', '-c', 'conf/good.conf'], 0, '');

# --- -T -------------------------------------------------------------------------------------------

my @files = (
    ['conf/dump.conf', "# begin\n$own\ninclude d/*.conf;\ninclude d/1.conf;\nevents { }\n\n"],
    ['conf/d/1.conf', "env A;"],
    ['conf/d/2.conf', "\tenv B; # \xe4 \"\n"],
);
$t->write_file(@$_) for @files;
my $dump = join '', map { "# configuration file $dir/$_->[0]:\n$_->[1]\n" } @files;
for my $args (['-T'], ['-Tq'], ['-tT'], ['-T', '-g', 'env C;']) {
    my $run = $t->run_cli(@paths, '-c', 'conf/dump.conf', @$args);
    is($run->{status}, 0, "'@$args'");
    is($run->{out}, $dump, "'@$args': every file once, byte for byte, in the order of reading");
    is($run->{err}, "@$args" =~ /q/ ? '' : $good =~ s/good\.conf/dump.conf/gr,
        "'@$args': the rest");
}

# --- -g -------------------------------------------------------------------------------------------

my @conf = ('-t', '-c', 'conf/good.conf', '-g');
says('-g', [@conf, 'env A; env B=c;'], 0, $good);
says('an empty -g', [@conf, ''], 0, $good);
says('a comment in -g', [@conf, '# nothing'], 0, $good);
says('the last -g counts', [@conf, 'nonsense;', '-g', 'env A;'], 0, $good);
for my $case (
    ['env A', 'unexpected end of parameter, expecting ";" in command line'],
    ['nonsense on;', 'unknown directive "nonsense" in command line'],
    ['events { }', 'block directives are not supported in -g option in command line'],
    ['}', 'unexpected "}" in command line'],
    ['daemon maybe;',
        'invalid value "maybe" in "daemon" directive, it must be "on" or "off" in command line'],
    ['daemon;', 'invalid number of arguments in "daemon" directive in command line'],
    ['root html;', '"root" directive is not allowed here in command line'],
    ['include none.conf;',
        "open() \"$dir/conf/none.conf\" failed (2: No such file or directory) in command line"],
    ['pid a; pid b;', '"pid" directive is duplicate in command line'],
    ['pid logs/b.pid;', "\"pid\" directive is duplicate in $dir/conf/good.conf:1"],
    ['user no-such-user;', 'getpwnam("no-such-user") failed in command line'],
    ['user root no-such-group;', 'getgrnam("no-such-group") failed in command line'],
    ['worker_processes many;', '"worker_processes" directive invalid value in command line'],
    ['worker_cpu_affinity 02;', 'invalid character "2" in "worker_cpu_affinity" in command line'],
    )
{
    says("-g '$case->[0]'", [@conf, $case->[0]], 1, qr/^$name: \[emerg\] \Q$case->[1]\E$/m);
}

# --- -s without a server --------------------------------------------------------------------------

my %number = (stop => 15, quit => 3, reopen => 10, reload => 1);
my $nobody = 4_194_304;                 # above the largest process id there can be
my @signals = sort keys %number;
my $pid_file = "$dir/logs/s.pid";

$t->write_file('conf/s.conf', "pid logs/s.pid; error_log logs/a.log; events { }\n");
for my $signal (@signals) {
    for my $case (
        [undef, "[error] open() \"$pid_file\" failed (2: No such file or directory)"],
        ['', "[error] invalid PID number \"\" in \"$pid_file\""],
        ["\n", "[error] invalid PID number \"\" in \"$pid_file\""],
        ["garbage\n", "[error] invalid PID number \"garbage\" in \"$pid_file\""],
        ["12x\n", "[error] invalid PID number \"12x\" in \"$pid_file\""],
        ["$nobody\n", "[alert] kill($nobody, $number{$signal}) failed (3: No such process)"],
        [$nobody, "[alert] kill($nobody, $number{$signal}) failed (3: No such process)"],
        )
    {
        my ($text, $expected) = @$case;
        defined $text ? $t->write_file('logs/s.pid', $text) : unlink $pid_file;
        says("-s $signal, " . ($text // 'no file') =~ s/\n/\\n/r, ['-c', 'conf/s.conf', '-s',
            $signal], 1,
            "$name: $expected\n");
    }
}
# A pid that means a group, everybody or oneself must not be signalled.
for my $text ('0', '-1', '-2', '00', '99999999999', '4294967297', ' 1', '1 2') {
    next if on_oracle() && $text !~ /^-/;
    $t->write_file('logs/s.pid', "$text\n");
    says("-s stop, pid '$text'", ['-c', 'conf/s.conf', '-s', 'stop'], 1,
        "$name: [error] invalid PID number \"$text\" in \"$pid_file\"\n");
}
unlink $pid_file;
my $run = says('-s with -e stderr', ['-e', 'stderr', '-c', 'conf/s.conf', '-s', 'stop'], 1,
    qr/^\S+ \S+ \[notice\] \d+#\d+: signal process started\n/);
like($run->{err}, qr/^\S+ \S+ \[error\] \d+#\d+: open\(\) "\Q$pid_file\E" failed \(2: [^\n]*\n\z/m,
    'has dated lines');
like(slurp("$dir/logs/start.log"), qr/\[notice\] \d+#\d+: signal process started\n/,
    'with -e they are in its file');
says('-s with -g', ['-c', 'conf/plain.conf', '-g', 'pid logs/g.pid;', '-s', 'stop'], 1,
    "$name: [error] open() \"$dir/logs/g.pid\" failed (2: No such file or directory)\n");
says('-s without a configuration', ['-c', 'conf/missing.conf', '-s', 'stop'], 1,
    qr{\[emerg\] open\(\) "$dir/conf/missing\.conf" failed \(2: });

# --- -s with a server -----------------------------------------------------------------------------

my $server = Test::Weir->new(name => 'signalled');
$server->write_conf("pid logs/weir.pid;\nerror_log logs/error.log notice;\nevents { }\n");
for my $case (['stop', 15, 'SIGTERM'], ['quit', 3, 'SIGQUIT']) {
    my ($signal, $number, $long) = @$case;
    $server->start;
    my $done = $server->run_conf('-s', $signal);
    is_deeply($done, {status => 0, out => '', err => ''}, "-s $signal of a server");
    $server->stop(undef, gone => 1);
    like($server->error_log, qr/\[notice\] \d+#\d+: signal process started$/m,
        "-s $signal is logged");
    like($server->error_log, qr/signal $number \($long\) received from \d+, /, 'and received');
}
$server->start;
is($server->run_conf('-s', 'reopen')->{status}, 0, '-s reopen');
wait_for { $server->error_log =~ /signal 10 \(SIGUSR1\) received from \d+, reopening logs/ } 5,
    'reopen';
is($server->run_conf('-s', 'reload')->{status}, 0, '-s reload');
unless (skipped('a broken file', differs => 'nginx needs a good configuration for -s')) {
    $server->allow_log(qr/unexpected "[{}]"/);
    $server->write_conf("pid logs/weir.pid;\nnonsense on\n}\n{");
    $run = $server->run_conf('-s', 'reload');
    is($run->{status}, 1, '-s reload of a broken file');
    like($run->{err}, qr/^weir: \[emerg\] unexpected "}" in .*:3$/m, 'tells its caller why');
    is($server->run_conf('-s', 'reopen')->{status}, 0, '-s reopen with a broken file');

    $run = $server->run_conf('generations');
    is($run->{status}, 0, 'generations');
    like($run->{out} . $run->{err}, qr/^generation \d+ \(current\), \d+ s old, \d+ bytes$/m,
        'are listed');
    is($server->run_conf('-s', 'stop')->{status}, 0, '-s stop with a broken file');
    $server->stop(undef, gone => 1);
    $run = $server->run_conf('generations');
    is($run->{status}, 1, 'generations without a server');
}

# --- what only weir has ---------------------------------------------------------------------------

unless (skipped('--json and commands', differs => 'nginx has neither')) {
    is_deeply($t->run_cli(@paths, '-t', '--json', '-c', 'conf/good.conf'),
        {status => 0, out => '', err => ''}, '-t --json of a good file');
    $t->write_file('conf/worse.conf', "events { }\n\"a\t\\\"\xff\\\\\" on;\nroot x;\n");
    $run = $t->run_cli(@paths, '--json', '-t', '-c', 'conf/worse.conf');
    is($run->{status}, 1, '-t --json of a bad one');
    is($run->{err}, '', 'says nothing else');
    my @objects = map { JSON::PP::decode_json($_) } split /\n/, $run->{out};
    is_deeply([map { "$_->{code} $_->{line}" } @objects], ['unknown-directive 2', 'not-allowed 3'],
        'one object for each error') or diag($run->{out});
    for my $what ('directives', 'variables') {
        my $text = $t->run_cli($what);
        my $json = $t->run_cli($what, '--json');
        is("$text->{status} $json->{status} $text->{err}$json->{err}", '0 0 ', $what);
        my $list = eval { JSON::PP::decode_json($json->{out}) } // [];
        cmp_ok(scalar(@$list), '>', 20, "$what --json is a list");
        my $missing = grep { $text->{out} !~ /\Q$_->{name}\E/ } @$list;
        is($missing, 0, "$what has every name of it");
    }

    # What has no effect, and why: the program and the documentation say the same.
    my %inert = map { defined $_->{inert} ? ($_->{name} => $_->{inert}) : () }
        @{JSON::PP::decode_json($t->run_cli('directives', '--json')->{out})};
    my %told = slurp("$FindBin::Bin/../docs/differences.md") =~ /^\| `(\w+)` \| (.+) \|$/mg;
    is_deeply(\%told, \%inert, 'docs/differences.md has each directive without effect');
    says('two commands', ['directives', 'variables'], 1, qr/^weir: invalid option: "variables"$/);
}

# --- -t leaves nothing ----------------------------------------------------------------------------

unless (skipped('-t leaves nothing', differs => 'nginx creates logs, a pid file and folders')) {
    my $fresh = Test::Weir->new(name => 'test only');
    ($t, $dir) = ($fresh, $fresh->dir);
    $t->write_file('conf/all.conf', <<'END');
pid logs/x.pid;
error_log logs/x.log debug;
lock_file logs/x.lock;
events { }
http {
    access_log logs/y.log;
    server { listen 127.0.0.1:%%PORT%%; listen unix:%%DIR%%/socket; access_log logs/z.log; }
}
END
    $t->write_file('logs/z.log', "a line\n", mtime => 1_000_000_000);
    my $before = tree();
    for my $args (['-t'], ['-T'], ['-tq'], ['-t', '--json']) {
        is($t->run_cli('-p', $dir, '-e', 'logs/start.log', '-c',
            'conf/all.conf', @$args)->{status}, 0,
            "'@$args' of a good file");
        is_deeply(tree(), $before, "'@$args' leaves nothing on disk");
    }
    $t->write_file('conf/all.conf', 'nonsense');
    $before = tree();
    is($t->run_cli('-p', $dir, '-e', 'logs/start.log', '-c', 'conf/all.conf', '-t')->{status}, 1,
        'of a bad one');
    is_deeply(tree(), $before, 'nor does it');
}

done_testing();
