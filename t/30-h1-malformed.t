#!/usr/bin/perl

# Requests that are wrong, or only look so, and the answers that they must get: one connection a
# row of data/malformed.tsv.
#
#     id    raw                             expected                rfc
#     RL01  GET  / HTTP/1.1\r\nHost...      400+close               9112 3
#
# raw       C escapes; @{N:text} is the text N times
# expected  alternatives between "|": the statuses that arrive, in order; "+close": the server
#           closes, or says that it will; "close" alone: it closes without an answer; "-drop": a
#           field is kept from upstreams, of which there are none here, so the status counts only

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;

skip_file(differs => 'stricter than nginx') if on_oracle();

# Rows that end in the middle of something: the client closes its sending side.
my %half_closed = map { $_ => 1 } qw(CK33 RL42);

# Where the server holds a connection open, this asks whether both sides agree where they are: its
# answer is the next one and says so.
my $last = "GET /last-of-all HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
my $last_body = "last of all\n";

sub unescape
{
    my ($text) = @_;
    my %plain = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');

    $text =~ s/\@\{(\d+):([^{}]*)\}/$2 x $1/ge;
    $text =~ s{\\(?:x([0-9a-f]{2})|(.))}{
        defined $1 ? chr hex $1 : $plain{$2} // die "unknown escape \\$2 in $text\n"
    }ge;
    return $text;
}

# "200,400+close|close" as [{statuses => '200,400', close => 1}, {statuses => '', close => 1}].
sub alternatives
{
    my ($expected) = @_;
    my @all;

    for my $text (split /\|/, $expected) {
        my ($statuses, $close) = $text =~ /^(\d{3}(?:,\d{3})*|)(?:-drop)?(\+?close|)$/
            or die "cannot read \"$expected\"\n";
        push @all, {statuses => $statuses, close => $close ne ''};
    }
    return @all;
}

sub conn_closes
{
    my ($answer) = @_;

    return ($answer->{header}{connection} // '') =~ /\bclose\b/i;
}

# Whether any alternative goes on behind these statuses.
sub more_expected
{
    my ($so_far, @expected) = @_;

    return grep { $so_far eq '' ? $_->{statuses} ne '' : index($_->{statuses}, "$so_far,") == 0 }
        @expected;
}

# What comes back for these bytes, as statuses, whether the connection closes, and what is odd
# about it. Nobody waits longer than for the answers that are expected.
sub dialogue
{
    my ($conn, @expected) = @_;
    my (@statuses, $asked);

    while (my $answer = $conn->read_response) {
        return (join(',', @statuses), 1) if $asked && $answer->{body} eq $last_body;
        push @statuses, map({ $_->{status} } @{$answer->{early}}), $answer->{status};
        my $so_far = join ',', @statuses;
        return ($so_far, 0, $answer->{error}) if defined $answer->{error};
        if (conn_closes($answer)) {
            $conn->shutdown_write;
            my $rest = $conn->read_all;
            return ($so_far, 1, length $rest ? "bytes after the last answer: $rest" : undef);
        }
        next if more_expected($so_far, @expected);
        my ($match) = grep { $_->{statuses} eq $so_far } @expected or last;
        return ($so_far, scalar $conn->eof) if $match->{close};
        last if $asked++ || !$conn->write($last);
    }
    return (join(',', @statuses), $conn->state ne 'open', $asked ? 'out of step' : undef);
}

sub check_row
{
    my ($t, $id, $raw, $expected) = @_;
    my @expected = alternatives($expected);
    my $conn = Test::Weir::Conn->new($t->port, timeout => 5);

    # It may close before it has taken all.
    $conn->write(unescape($raw));
    $conn->shutdown_write if $half_closed{$id};
    my ($statuses, $closed, $odd) = dialogue($conn, @expected);
    my $good = !defined $odd
        && grep { $_->{statuses} eq $statuses && ($closed || !$_->{close}) } @expected;
    ok($good, "$id: $expected") or diag(
        'got ' . ($statuses eq '' ? 'no answer' : $statuses) . ($closed ? ', closed' : ', open')
        . (defined $odd ? ", $odd" : '') . " for $raw");
    $conn->close;
}

my $t = Test::Weir->new(name => 'malformed');
$t->write_conf(<<"END");
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "answer\\n"; }
        location = /last-of-all { return 200 "last of all\\n"; }
    }
}
END
$t->start;

open my $table, '<', "$FindBin::Bin/data/malformed.tsv" or die "cannot open the table: $!\n";
<$table>;
while (my $line = <$table>) {
    chomp $line;
    my ($id, $raw, $expected) = split /\t/, $line;
    check_row($t, $id, $raw, $expected);
}
close $table;

# Nothing of all that harmed the server.
is(get($t->port, '/')->{body}, "answer\n", 'a request after all that');
done_testing();
