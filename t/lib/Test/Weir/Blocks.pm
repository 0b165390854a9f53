# Scenario files: reads the blocks after __DATA__ and runs each as a subtest.
# Owns the server that consecutive blocks with one configuration share, and its backend.
package Test::Weir::Blocks;

use strict;
use warnings;
use Carp qw(croak);
use Test::More import => [qw(diag is like ok subtest unlike)];
use Test::Weir::Backend;
use Test::Weir::Conf qw(directives);
use Test::Weir::Conn;
use Test::Weir::Oracle;
use Test::Weir::Util qw(poll_until slurp);

# What a section is: `conf` makes the configuration; `part` has one value per answer; `list` may be
# given several times; `ask` sends something; `mark` may stand before the first block as well.
my %sections = (
    main_config => 'conf', events_config => 'conf', http_config => 'conf', config => 'conf',
    full_config => 'conf', user_files => 'files',
    request => 'ask', raw_request => 'ask list', pipelined_requests => 'ask',
    keepalive_requests => 'ask', conf_ok => 'ask', conf_error => 'ask',
    more_headers => 'part', error_code => 'code', response_headers => 'part',
    response_headers_like => 'part', response_body => 'part', response_body_like => 'part',
    response_body_unlike => 'part', raw_response_like => 'text', connection => 'word',
    error_log => 'lines', no_error_log => 'lines', access_log_like => 'lines',
    tcp_reply => 'bytes list', tcp_query => 'bytes list', tcp_query_like => 'text list',
    tcp_query_headers => 'lines list', tcp_reply_close => 'word',
    since => 'mark', differs => 'mark', skip_unless_root => 'mark', timeout => 'word',
);

# --- name [eval] [chomp], or --- name: value
my $section_line = qr/^---[ \t]+(\w+)((?:[ \t]+(?:eval|chomp))*)[ \t]*(?:(:)[ \t]*(.*?)[ \t]*)?$/;
my $separator = qr/^~~~[ \t]*\n/m;

# --- reading ------------------------------------------------------------------------------------

sub _finish_section
{
    my ($block, $section) = @_;
    my ($name, $where) = @$section{qw(name where)};
    my $value = $section->{value};
    my $kind = $sections{$name} // croak "$where: unknown section \"$name\"";

    if (!$section->{inline}) {
        # Blank lines before the next section are for the reader.
        $value =~ s/\n+\z/\n/;
        $value = '' if $value eq "\n";
        $value =~ s/^\\(?=---|===)//mg unless $section->{eval};
    }
    if ($section->{eval}) {
        $value = eval "package main; no strict; $value";
        croak "$where: $@" if $@;
        croak "$where: the expression has no value" unless defined $value;
    }
    $block->{chomped}{$name} = 1 if $section->{chomp};
    if ($kind =~ /list/) {
        push @{$block->{$name}}, $value;
        return;
    }
    croak "$where: section \"$name\" is given twice" if exists $block->{$name};
    $block->{$name} = $value;
}

# All blocks of a text: {name, where, and a value per section}. Marks that stand before the first
# block are put into every block.
sub parse
{
    my ($text, $file, $line) = @_;
    my (@blocks, $section);
    my $block = my $head = {name => '(head)', where => "$file:$line"};

    for my $row (split /^/, $text) {
        my $where = "$file:" . $line++;
        if ($row =~ /^===[ \t]*(.*?)\s*$/) {
            _finish_section($block, $section) if $section;
            undef $section;
            croak "$where: a block needs a name" if $1 eq '';
            $block = {%$head, name => $1, where => $where};
            push @blocks, $block;
        } elsif ($row =~ $section_line) {
            _finish_section($block, $section) if $section;
            $section = {name => $1, where => $where, value => $4 // '', inline => defined $3,
                map { $_ => 1 } split ' ', $2};
            croak "$where: \"$1\" can only stand in a block"
                if $block == $head && ($sections{$1} // '') ne 'mark';
        } elsif ($row =~ /^---/) {
            croak "$where: not a section: $row";
        } elsif ($section && $section->{inline}) {
            croak "$where: text after a section of one line" if $row =~ /\S/;
        } elsif ($section) {
            $section->{value} .= $row;
        }
    }
    _finish_section($block, $section) if $section;
    return @blocks;
}

sub _check_block
{
    my ($block) = @_;
    my $where = $block->{where};
    my @ask = grep { exists $block->{$_} && $sections{$_} =~ /ask/ } sort keys %sections;
    my @conf = grep { exists $block->{$_} && $sections{$_} eq 'conf' } keys %sections;

    croak "$where: a block does one of: request, raw_request, pipelined_requests, "
        . "keepalive_requests, conf_ok, conf_error" unless @ask == 1;
    croak "$where: full_config stands alone" if exists $block->{full_config} && @conf > 1;
    $block->{kind} = $ask[0];
    return scalar @conf;
}

# The blocks of a scenario file. A block without configuration has that of the one before, and the
# files of all that share it: `older_files`.
sub read_file
{
    my ($file) = @_;
    my $source = slurp($file) // croak "cannot read $file: $!";
    my ($code, $data) = $source =~ /\A(.*?^__(?:DATA|END)__\n)(.*)\z/ms
        or croak "$file has no __DATA__";
    my @blocks = parse($data, $file, 1 + ($code =~ tr/\n//));
    my $last;

    for my $block (@blocks) {
        $block->{older_files} = [];
        unless (_check_block($block)) {
            croak "$block->{where}: the first block needs a configuration" unless $last;
            $block->{$_} = $last->{$_} for grep { exists $last->{$_} && $sections{$_} eq 'conf' }
                keys %sections;
            $block->{older_files} = [@{$last->{older_files}}, $last->{user_files} // ()];
        }
        $last = $block;
    }
    croak "$file has no blocks" unless @blocks;
    return @blocks;
}

# --- configuration ------------------------------------------------------------------------------

sub _has
{
    my ($text, $name) = @_;

    return grep { $_->{parent} eq '' && $_->{name} eq $name } directives($text);
}

# The configuration of a block, with placeholders still in it.
sub conf_text
{
    my ($block) = @_;
    return $block->{full_config} if exists $block->{full_config};
    my ($main, $events, $http, $server) = map { $block->{$_} // '' }
        qw(main_config events_config http_config config);
    my $text = _has($main, 'worker_processes') ? '' : "worker_processes 1;\n";

    $text .= "${main}\nevents {\n$events}\n";
    return $text unless exists $block->{http_config} || exists $block->{config};
    $text .= "http {\n$http\n";
    if (exists $block->{config}) {
        $text .= "server {\n";
        $text .= "listen 127.0.0.1:%%PORT%%;\n" unless _has($server, 'listen');
        $text .= "server_name localhost;\n" unless _has($server, 'server_name');
        $text .= "$server\n}\n";
    }
    return "$text}\n";
}

# The files of a user_files section: `>>> path [mode] [@mtime] [eval]`, then the content.
sub _write_files
{
    my ($server, $block, $text) = @_;
    my ($before, @files) = split /^>>>[ \t]*(.*)\n?/m, $text;

    croak "$block->{where}: text before the first >>>" if $before =~ /\S/;
    while (my ($line, $content) = splice @files, 0, 2) {
        my ($quoted, $plain, $rest) = $line =~ /^(?:"([^"]+)"|(\S+))(.*)$/
            or croak "$block->{where}: >>> without a path";
        my ($path, @words) = ($quoted // $plain, split ' ', $rest);
        my %opt;
        $content //= '';
        $content =~ s/\n+\z/\n/;
        for my $word (@words) {
            if ($word eq 'eval') {
                $content = eval "package main; no strict; $content";
                croak "$block->{where}: $path: $@" if $@;
            } elsif ($word =~ /^0[0-7]+$/) {
                $opt{mode} = oct $word;
            } elsif ($word =~ /^@(\d+)$/) {
                $opt{mtime} = $1;
            } else {
                croak "$block->{where}: $path: unknown word $word";
            }
        }
        $server->write_file("html/$path", $content, %opt);
    }
}

# --- requests -----------------------------------------------------------------------------------

# C escapes; line ends of the scenario do not count.
sub unescape
{
    my ($text) = @_;
    my %plain = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\', '"' => '"');

    $text =~ s/\n//g;
    $text =~ s{\\(?:x([0-9a-fA-F]{2})|(.?))}{
        defined $1 ? chr hex $1 : $plain{$2} // croak "unknown escape \\$2"
    }gse;
    return $text;
}

# The value of a section for each of $count answers.
sub _parts
{
    my ($block, $name, $count) = @_;
    my $value = $block->{$name} // return (undef) x $count;
    my @parts = $value eq '' ? ('') : split $separator, $value, -1;

    chomp @parts if $block->{chomped}{$name};
    return @parts if @parts == $count;
    return ($parts[0]) x $count if @parts == 1;
    croak "$block->{where}: $name has " . @parts . " parts for $count answers";
}

# A request as it stands in a scenario, as {method, bytes}; $close adds `Connection: close`.
sub _compose
{
    my ($text, $more, $close) = @_;
    my ($head, $body) = split /^\n/m, $text, 2;
    my ($line, @headers) = split /\n/, $head;
    my ($method, $uri, $version) = ($line // '') =~ /^(\S+)[ ]+(.*?)(?:[ ]+(HTTP\/\S+))?$/
        or croak 'a request is METHOD URI [HTTP/x.y]';

    push @headers, split /\n/, $more // '';
    my $has = sub { my ($name) = @_; return grep { /^\Q$name\E[ \t]*:/i } @headers };
    my $new = ($version // 'HTTP/1.1') ne 'HTTP/1.0';
    unshift @headers, 'Host: localhost' if $new && !$has->('Host');
    push @headers, 'Connection: close' if $new && $close && !$has->('Connection');
    if (defined $body) {
        chomp $body;
        push @headers, 'Content-Length: ' . length $body
            unless $has->('Content-Length') || $has->('Transfer-Encoding');
    }
    my $bytes = join "\r\n", "$method $uri " . ($version // 'HTTP/1.1'), @headers, '', '';
    return {method => $method, bytes => $bytes . ($body // '')};
}

# All requests of a block, composed.
sub _requests
{
    my ($block) = @_;
    my @texts = $block->{kind} eq 'request'
        ? $block->{request} : split $separator, $block->{$block->{kind}}, -1;
    my @more = _parts($block, 'more_headers', scalar @texts);

    return map { _compose($texts[$_], $more[$_], $_ == $#texts) } 0 .. $#texts;
}

sub _send_raw
{
    my ($conn, @chunks) = @_;

    for my $i (0 .. $#chunks) {
        $conn->write(unescape($chunks[$i])) or return;
        # The last one needs no waiting: the answer is waited for.
        $conn->drained if $i < $#chunks;
    }
}

# Sends what the block says; the answers, and whatever bytes came that are no part of them.
sub _exchange
{
    my ($server, $block, $codes) = @_;
    my $conn = Test::Weir::Conn->new($server->port(0), timeout => $block->{timeout});
    my (@answers, @requests);

    if ($block->{kind} eq 'raw_request') {
        my @raw = @{$block->{raw_request}};
        my ($method) = $raw[0] =~ /^(\w+)/;
        @requests = ({method => $method // 'GET'}) x @$codes;
        _send_raw($conn, @raw);
    } else {
        @requests = _requests($block);
        $conn->write(join '', map { $_->{bytes} } @requests)
            if $block->{kind} ne 'keepalive_requests';
    }
    if (exists $block->{raw_response_like} && !exists $block->{error_code}) {
        return ($conn, '', $conn->read_all);
    }
    for my $request (@requests) {
        $conn->write($request->{bytes}) if $block->{kind} eq 'keepalive_requests';
        my $answer = $conn->read_response(method => $request->{method}) // last;
        push @answers, $answer;
    }
    my $taken = join '', map { $_->{raw} } map { @{$_->{early}}, $_ } @answers;
    return ($conn, $taken, '', @answers);
}

# --- expectations -------------------------------------------------------------------------------

# `is` for bytes: long or unprintable ones are shown around the first difference only.
sub is_bytes
{
    my ($got, $want, $name) = @_;

    return is($got, $want, $name) if length "$got$want" < 4096 && "$got$want" !~ /[^\t\r\n -~]/;
    return 1 if ok($got eq $want, $name);
    my $same = ("$got" ^ "$want") =~ /^(\0*)/ ? length $1 : 0;
    diag(sprintf '%d bytes, expected %d; the first difference is at %d',
        length $got, length $want, $same);
    for my $pair (['got', $got], ['expected', $want]) {
        my $shown = substr $pair->[1], $same, 40 if $same <= length $pair->[1];
        ($shown //= '') =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
        diag(sprintf '%9s: %s', $pair->[0], $shown);
    }
    return 0;
}

# A line that is searched for: /regex/ or a plain piece of text.
sub _pattern
{
    my ($line) = @_;

    return $line =~ m{^/(.*)/$} ? qr/$1/m : qr/\Q$line\E/;
}

sub _lines
{
    my ($block, $name) = @_;

    return grep { /\S/ } split /\n/, $block->{$name} // '';
}

sub _check_headers
{
    my ($answer, $exact, $likes, $label) = @_;
    my %want;

    for my $line (grep { /\S/ } split /\n/, $exact // '') {
        if ($line =~ /^!\s*([^\s:]+)\s*$/) {
            is($answer->{header}{lc $1}, undef, "${label}no header $1");
        } elsif ($line =~ /^([^\s:]+):[ \t]*(.*?)[ \t]*$/) {
            push @{$want{$1}}, $2;
        } else {
            croak "not a header: $line";
        }
    }
    for my $name (sort keys %want) {
        my @got = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{$answer->{headers}};
        is(join("\n", @got), join("\n", @{$want{$name}}), "${label}header $name");
    }
    for my $line (grep { /\S/ } split /\n/, $likes // '') {
        my ($name, $pattern) = $line =~ /^([^\s:]+):[ \t]*(.*?)[ \t]*$/
            or croak "not a header: $line";
        my $got = $answer->{header}{lc $name} // '(absent)';
        like($got, qr/\A(?:$pattern)\z/, "${label}header $name");
    }
}

sub _check_answers
{
    my ($block, $codes, @answers) = @_;
    my $count = @$codes;
    my %want = map { $_ => [_parts($block, $_, $count)] } qw(response_headers response_headers_like
        response_body response_body_like response_body_unlike);

    for my $i (0 .. $count - 1) {
        my $label = $count > 1 ? 'answer ' . ($i + 1) . ': ' : '';
        my $answer = $answers[$i];
        if (!$answer) {
            ok(0, "${label}no answer");
            next;
        }
        is($answer->{status}, $codes->[$i], "${label}status");
        is($answer->{error}, undef, "${label}complete");
        my %part = map { $_ => $want{$_}[$i] } keys %want;
        _check_headers($answer, @part{qw(response_headers response_headers_like)}, $label);
        is_bytes($answer->{body}, $part{response_body}, "${label}body")
            if defined $part{response_body};
        for my $name (grep { defined $part{$_} } qw(response_body_like response_body_unlike)) {
            chomp(my $pattern = $part{$name});
            $name =~ /unlike/ ? unlike($answer->{body}, qr/$pattern/ms, "${label}body unlike")
                : like($answer->{body}, qr/$pattern/ms, "${label}body");
        }
    }
}

# What becomes of the connection after the last answer.
sub _check_end
{
    my ($block, $conn, @answers) = @_;
    my $want = $block->{connection};

    # A request that asked for it is closed after its answer, and nothing may come in between.
    $want //= 'closed' if $block->{kind} ne 'raw_request' && @answers
        && lc($answers[-1]{header}{connection} // '') eq 'close';
    return unless defined $want;
    croak "$block->{where}: connection is closed or open" unless $want =~ /^(?:closed|open)$/;
    ok($want eq 'open' ? $conn->quiet : $conn->eof, "connection is $want, nothing more comes");
}

# Waits for a log to have a line like $pattern; false when it does not come.
sub _logged
{
    my ($read, $pattern) = @_;

    return poll_until(3, sub { grep { /$pattern/ } split /\n/, $read->() });
}

sub _check_logs
{
    my ($server, $block, $starts) = @_;
    my $errors = sub { substr $server->error_log, $starts->{error} };
    my $accesses = sub { substr $server->access_log, $starts->{access} };

    for my $line (_lines($block, 'error_log')) {
        my $pattern = _pattern($line);
        $server->allow_log($pattern);
        ok(_logged($errors, $pattern), "error log has $line");
    }
    for my $line (_lines($block, 'access_log_like')) {
        ok(_logged($accesses, qr/$line/), "access log has $line")
            or diag('access log: ' . $accesses->());
    }
}

# --- the backend --------------------------------------------------------------------------------

# What a backend does after a reply.
my %ends = (yes => [\'close'], no => [], half => [\'half'], reset => [\'reset']);

# Gives the backend on %%PORT1%% the replies of a block; without any, nobody listens there.
sub _set_backend
{
    my ($server, $block) = @_;
    my @queries = @{$block->{tcp_query} // []};
    my $end = $ends{$block->{tcp_reply_close} // 'yes'}
        // croak "$block->{where}: tcp_reply_close is yes, no, half or reset";
    my @answers;

    if (!$block->{tcp_reply}) {
        croak "$block->{where}: no tcp_reply" if @queries || $block->{tcp_query_like}
            || $block->{tcp_query_headers};
        $server->{backend}->refuse if $server->{backend};
        return;
    }
    for my $i (0 .. $#{$block->{tcp_reply}}) {
        my $query = unescape($queries[$i] // '');
        # What is no HTTP has no end but its length.
        my $wait = $query eq '' || $query =~ m{ HTTP/1\.} ? \'body' : \length $query;
        push @answers, [$wait, unescape($block->{tcp_reply}[$i]), @$end];
    }
    return $server->{backend}->script(@answers) if $server->{backend};
    $server->{backend} = Test::Weir::Backend->new($server->port(1), @answers);
}

sub _check_backend
{
    my ($server, $block) = @_;
    my @queries = map { unescape($_) } @{$block->{tcp_query} // []};
    my @likes = @{$block->{tcp_query_like} // []};
    my @headers = @{$block->{tcp_query_headers} // []};
    my ($count) = sort { $b <=> $a } scalar @queries, scalar @likes, scalar @headers;
    return unless $count;

    # One that is empty: nothing at all was asked.
    $count = 0 if @queries == 1 && $queries[0] eq '';
    my @requests = $server->{backend}->requests;
    is(scalar @requests, $count, 'requests at the backend');
    for my $i (0 .. $count - 1) {
        my $request = $requests[$i] // {raw => '', headers => [], header => {}};
        my $label = 'request ' . ($i + 1) . ' at the backend';
        is_bytes($request->{raw}, $queries[$i], $label) if $i < @queries;
        _check_headers($request, $headers[$i], undef, "$label: ") if $i < @headers;
        next unless $i < @likes;
        chomp(my $pattern = $likes[$i]);
        like($request->{raw}, qr/$pattern/s, $label);
    }
}

# --- running ------------------------------------------------------------------------------------

sub _run_request
{
    my ($server, $block, $starts) = @_;
    my @codes = split ' ', $block->{error_code} // '';
    my $none = @codes == 1 && $codes[0] eq 'none';
    my $count = $block->{kind} eq 'raw_request' ? @codes || 1 : scalar(_requests($block));

    croak "$block->{where}: error_code has " . @codes . " codes for $count answers"
        if @codes > 1 && @codes != $count;
    @codes = (($codes[0] // 200) x $count) if @codes <= 1;
    my ($conn, $taken, $rest, @answers) = _exchange($server, $block, \@codes);
    if ($none) {
        is(@answers ? $answers[0]{raw} : '', '', 'no answer');
        ok($conn->state ne 'open', 'the connection is closed');
    } elsif ($taken ne '' || !exists $block->{raw_response_like}) {
        _check_answers($block, \@codes, @answers);
    }
    _check_end($block, $conn, @answers);
    if (exists $block->{raw_response_like}) {
        chomp(my $pattern = $block->{raw_response_like});
        like($taken . $rest, qr/$pattern/s, 'bytes of the answer');
    }
    $conn->close;
    _check_logs($server, $block, $starts);
}

# `-t` for conf_ok and conf_error; in a reload run a refusal is looked for there as well.
sub _run_conf
{
    my ($server, $block) = @_;
    my $refused = $block->{kind} eq 'conf_error';
    my $run = $server->run_conf('-t');

    is($run->{status}, $refused ? 1 : 0, 'exit status of -t') or diag($run->{err});
    my @lines = _lines($block, $block->{kind});
    push @lines, $refused ? 'test failed' : ('syntax is ok', 'test is successful');
    like($run->{err}, _pattern($_), "-t says $_") for @lines;
    return unless $refused && $ENV{WEIR_RELOAD};
    pop @lines;
    my $text = conf_text($block);
    $server->start_empty({}, 'pid');
    $server->write_conf($text);
    my ($status, $output) = $server->reload;
    is($status, 1, 'exit status of the reload');
    like($output, _pattern($_), "the reload says $_") for @lines;
    $server->stop;
}

sub _start
{
    my ($block) = @_;
    my $server = Test::Weir->new(name => "server of \"$block->{name}\"");

    _write_files($server, $block, $_) for @{$block->{older_files}}, $block->{user_files} // ();
    $server->write_conf(conf_text($block));
    $server->start unless $block->{kind} =~ /^conf_/;
    # Logs are shown with the block that fails, so the end of this server need not do it.
    $server->{passing} = 0;
    return $server;
}

sub _expand
{
    my ($server, $block) = @_;
    my %new = %$block;

    for my $name (grep { $sections{$_} && $sections{$_} !~ /conf|files|mark/ } keys %new) {
        $new{$name} = ref $new{$name} ? [map { $server->expand($_) } @{$new{$name}}]
            : $server->expand($new{$name});
    }
    return \%new;
}

sub _run_block
{
    my ($server, $block) = @_;
    my $starts = {error => $server->{fresh} ? 0 : length $server->error_log,
        access => length $server->access_log};

    $server->{fresh} = 0;
    $block = _expand($server, $block);
    return _run_conf($server, $block) if $block->{kind} =~ /^conf_/;
    _set_backend($server, $block);
    _run_request($server, $block, $starts);
    _check_backend($server, $block);
    return unless exists $block->{no_error_log};
    # Only after its end has the server logged everything.
    $server->stop;
    my $log = substr $server->error_log, $starts->{error};
    unlike($log, _pattern($_), "error log has no $_") for _lines($block, 'no_error_log');
}

sub _left_out
{
    my ($block) = @_;
    my $label = "$block->{name} ($block->{where})";

    return 1 if defined $ENV{WEIR_BLOCK} && $block->{name} !~ /$ENV{WEIR_BLOCK}/;
    my %marks = map { $_ => $block->{$_} } grep { exists $block->{$_} } qw(since differs);
    return 1 if skipped($label, %marks);
    if (exists $block->{skip_unless_root} && $> != 0) {
        Test::More->builder->skip("$label: needs root");
        return 1;
    }
    return 0;
}

sub run_file
{
    my ($file) = @_;
    my ($server, $text);

    for my $block (read_file($file)) {
        next if _left_out($block);
        # Without one there is nothing to say about any block.
        Test::Weir::binary();
        my $new = conf_text($block);
        my $alone = $block->{kind} =~ /^conf_/;
        if ($server && ($alone || $new ne $text)) {
            $server->stop if $server->{running};
            undef $server;
        }
        my $from = $server ? length $server->error_log : 0;
        subtest "$block->{name} ($block->{where})" => sub {
            my $fine = eval {
                if ($server) {
                    _write_files($server, $block, $_) for $block->{user_files} // ();
                } else {
                    $server = _start($block);
                    $server->{fresh} = 1;
                }
                _run_block($server, $block);
                1;
            };
            ok(0, "died: $@") unless $fine;
            $server->show_logs($from) if $server && !Test::More->builder->is_passing;
        };
        undef $server if $server && !$server->{running};
        $text = $new;
    }
    $server->stop if $server;
}

1;
