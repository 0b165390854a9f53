#!/usr/bin/perl

# Answers of a backend that are wrong, or only look so, and what the client must get: one dialogue
# for each row of data/malformed-upstream.tsv, buffered and not.
#
#     id    raw                                 expected          rfc
#     UP10  HTTP/1.1 200 OK\r\nContent-...      200-trunc         9112 8
#
# raw       C escapes; @{N:text} is the text N times
# expected  alternatives between "|": the statuses that arrive, in order; "-trunc": the answer is
#           visibly not whole; "-drop": the odd field does not arrive as it came
#
# After each the same client, if its connection lives, and another one ask again: what one backend
# connection has said too much must never be part of an answer to somebody else.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');

# Rows that are about a backend that closes; the others keep their connection.
my %closes = map { $_ => 1 } qw(UP10 UP11 UP12 UP20 UP32 UP33);

# What must be in the body, where a good answer is one of the alternatives.
my %bodies = map { ($_ => 'hello') } qw(UP01 UP25 UP29 UP36 UP40);

# Fields that must not come out of it.
my %absent = (UP17 => 'set-cookie', UP19 => 'x ', UP34 => 'x-accel-redirect');

# Where nginx 1.22 does otherwise.
my %differs = (
    map({ $_ => 'bad lengths and codings are believed or passed over' } qw(UP02 UP03 UP04 UP05 UP06
        UP07 UP08 UP09)),
    map({ $_ => 'the connection ends without a byte' } qw(UP13 UP15)),
    UP14 => 'a bare LF is taken',
    map({ $_ => 'what is no status line is a body' } qw(UP20 UP21 UP22 UP23)),
    map({ $_ => 'a 1xx is passed on as the answer' } qw(UP24 UP25 UP26)),
);

sub unescape
{
    my ($text) = @_;
    my %plain = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');

    $text =~ s{\\(?:x([0-9a-f]{2})|(.))}{
        defined $1 ? chr hex $1 : $plain{$2} // die "unknown escape \\$2 in $text\n"
    }ge;
    $text =~ s/\@\{(\d+):([^{}]*)\}/$2 x $1/ges;
    return $text;
}

# What is wrong with an answer, by one alternative; undef when nothing is.
sub fault
{
    my ($id, $alternative, $answer, $open) = @_;
    my ($statuses, $mark) = $alternative =~ /^(\d{3}(?:,\d{3})*)(-trunc|-drop)?$/
        or die "cannot read \"$alternative\"\n";
    my $got = join ',', map({ $_->{status} } @{$answer->{early}}), $answer->{status};

    return "status $got" if $got ne $statuses;
    if (($mark // '') eq '-trunc') {
        return 'looks whole' unless defined $answer->{error};
        return $open ? 'the connection goes on' : undef;
    }
    return $answer->{error} if defined $answer->{error};
    return "body \"$answer->{body}\""
        if $answer->{status} == 200 && $answer->{body} ne ($bodies{$id} // '');
    return;
}

# What holds for whatever arrives.
sub leak
{
    my ($id, $answer) = @_;
    my ($head) = $answer->{raw} =~ /\A(.*?\r\n)\r\n/s or return 'no head';

    return 'stray bytes in the head' if $head =~ /(?<!\r)\n|\r(?!\n)|\0/;
    return "a field $absent{$id}" if $absent{$id} && $head =~ /^\Q$absent{$id}\E[ \t]*:/mi;
    return 'a body without one'
        if $answer->{status} =~ /^(?:204|304)$/ && $answer->{raw} !~ /\r\n\r\n\z/;
    return;
}

sub check_clean
{
    my ($conn, $name) = @_;

    $conn->write("GET /clean HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    my $answer = $conn->read_response // {status => 'no answer', body => ''};
    is("$answer->{status} $answer->{body}", "200 clean\n", $name);
    ok($conn->eof, "$name, and nothing more");
    $conn->close;
}

sub check_row
{
    my ($t, $backend, $place, $id, $raw, $expected) = @_;
    my @end = $closes{$id} ? \'close' : ();

    # Whatever is asked for next has a good answer.
    $backend->script([\'body', unescape($raw), @end], answer(200, "clean\n"));
    my $conn = Test::Weir::Conn->new($t->port, timeout => 5);
    $conn->write("GET /$place/ HTTP/1.1\r\nHost: a\r\n\r\n");
    my $answer = $conn->read_response // {status => 0, early => [], raw => '', error => 'nothing'};
    my $open = lc($answer->{header}{connection} // '') ne 'close' && $conn->quiet(0);
    my @faults = map { fault($id, $_, $answer, $open) // () } my @all = split /\|/, $expected;
    my $leak = leak($id, $answer);
    ok(@faults < @all && !defined $leak, "$id $place: $expected")
        or diag(join '; ', $leak // (), @faults, 'for ' . substr $raw, 0, 200);
    check_clean($conn, "$id $place: the same client") if $open;
    check_clean(Test::Weir::Conn->new($t->port, timeout => 5), "$id $place: another client");
}

my $t = Test::Weir->new(name => 'malformed');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    upstream backend { server 127.0.0.1:%%PORT1%%; keepalive 4; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { proxy_pass http://backend; }
        location /unbuffered/ { proxy_pass http://backend; proxy_buffering off; }
    }
}
CONF
$t->start;

my $backend = Test::Weir::Backend->new($t->port(1));
open my $table, '<', "$FindBin::Bin/data/malformed-upstream.tsv" or die "no table: $!\n";
<$table>;
while (my $line = <$table>) {
    chomp $line;
    my ($id, $raw, $expected) = split /\t/, $line;
    next if $differs{$id} && skipped($id, differs => $differs{$id});
    check_row($t, $backend, $_, $id, $raw, $expected) for qw(buffered unbuffered);
}
close $table;
$t->stop;
done_testing();
