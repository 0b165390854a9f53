# Reads a configuration just enough to list its directives, and makes what the runs need of it.
# Owns nothing: pure functions over the text; a broken text gives what stood before the break.
package Test::Weir::Conf;

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(bootstrap directives globals listen_targets oracle_text value);

# What must be there when the first process starts, and so stays in the empty configuration that
# a reload run begins with. The rest must be able to arrive later.
my %at_start = map { $_ => 1 } qw(
    daemon debug_points env error_log load_module lock_file master_process pcre_jit pid
    timer_resolution user worker_cpu_affinity worker_priority worker_processes worker_rlimit_core
    worker_rlimit_nofile working_directory
);

my $word = qr/
    " ((?: [^"\\] | \\. )*) " |
    ' ((?: [^'\\] | \\. )*) ' |
    ( (?: \$\{ [^}]* \} | \\. | [^\s;{}\\\$] | \$(?!\{) )+ )
/xs;

# Every directive of a text: {name, args, parent ("http\/server"), start, end, open}. `start` and
# `end` are offsets of the directive, `open` is that after the brace of a block.
sub directives
{
    my ($text) = @_;
    my (@found, @blocks, @words, $start);

    pos($text) = 0;
    while (1) {
        $text =~ /\G(?:\s+|#[^\n]*)+/gc;
        my $here = pos $text;
        if ($text =~ /\G$word/gc) {
            $start = $here unless @words;
            push @words, $1 // $2 // $3;
        } elsif ($text =~ /\G([;{])/gc) {
            my $block = $1 eq '{';
            my ($name, @args) = @words;
            my $entry = {name => $name // '', args => \@args, start => $start // $here};
            $entry->{parent} = join '/', map { $_->{name} } @blocks;
            $entry->{end} = pos $text;
            $entry->{open} = pos $text if $block;
            push @found, $entry;
            push @blocks, $entry if $block;
            @words = ();
        } elsif ($text =~ /\G\}/gc) {
            my $closed = pop @blocks;
            $closed->{end} = pos $text if $closed;
            @words = ();
        } else {
            return @found;
        }
    }
}

# First argument of a directive in the main context, or undef.
sub value
{
    my ($text, $name) = @_;

    for my $d (directives($text)) {
        return $d->{args}[0] // '' if $d->{parent} eq '' && $d->{name} eq $name;
    }
    return;
}

# TCP ports and unix sockets that the text listens on: ("8080", "/dir/sock", ...).
sub listen_targets
{
    my ($text) = @_;
    my %targets;

    for my $d (grep { $_->{name} eq 'listen' } directives($text)) {
        my ($address, @options) = @{$d->{args}};
        next if !defined $address || grep { /^(?:quic|udp)$/ } @options;
        if ($address =~ /^unix:(.+)/) {
            $targets{$1} = 1;
        } elsif ($address =~ /^(?:.*:)?(\d+)$/) {
            $targets{$1} = 1;
        }
    }
    return sort keys %targets;
}

# The text for -g: what a test needs and the file does not say itself. The file stays as it is
# written, so that lines and columns in messages are those of the test.
sub globals
{
    my ($text, $foreground) = @_;
    my @words;

    push @words, 'daemon off;' if $foreground && !defined value($text, 'daemon');
    push @words, 'pid logs/weir.pid;' unless defined value($text, 'pid');
    push @words, 'error_log logs/error.log info;' unless defined value($text, 'error_log');
    return join ' ', @words;
}

# The empty configuration of a reload run.
sub bootstrap
{
    my ($text, @only) = @_;
    my %keep = @only ? map { $_ => 1 } @only : %at_start;
    my ($main, $events) = ('', '');

    for my $d (directives($text)) {
        my $source = substr $text, $d->{start}, $d->{end} - $d->{start};
        $main .= "$source\n" if $d->{parent} eq '' && $keep{$d->{name}};
        $events .= " $source" if $d->{parent} eq 'events' && $d->{name} eq 'use';
    }
    return "${main}events {$events }\nhttp { }\n";
}

# A distribution's nginx has paths of the system built in; they are moved below the prefix, on
# the line of `http {` so that no line number changes.
sub oracle_text
{
    my ($text) = @_;
    my @all = directives($text);
    my ($http) = grep { $_->{name} eq 'http' && $_->{parent} eq '' && $_->{open} } @all;
    return $text unless $http;
    my %set = map { $_->{name} => 1 } grep { $_->{parent} eq 'http' } @all;
    my $extra = $set{access_log} ? '' : ' access_log logs/access.log;';

    for my $kind (qw(client_body proxy fastcgi uwsgi scgi)) {
        $extra .= " ${kind}_temp_path ${kind}_temp;" unless $set{"${kind}_temp_path"};
    }
    substr $text, $http->{open}, 0, $extra;
    return $text;
}

1;
