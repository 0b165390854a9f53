# Small helpers of the test library: scaled time limits, polling, files and the process table.
# Owns nothing: every function works on its arguments and on the operating system.
package Test::Weir::Util;

use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(alive group_pids limit poll_until processes slurp spew tail tcp_sockets);

# Seconds a step may take: the default of 10, or what was asked for, times WEIR_TIMEOUT_FACTOR.
sub limit
{
    my ($seconds) = @_;

    return ($seconds // 10) * ($ENV{WEIR_TIMEOUT_FACTOR} || 1);
}

# Asks $condition every 10 ms until it is true; its value, or nothing when the time is over.
sub poll_until
{
    my ($seconds, $condition) = @_;
    my $end = time + limit($seconds);

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return if time >= $end;
        select undef, undef, undef, 0.01;
    }
}

sub slurp
{
    my ($path) = @_;

    open my $fh, '<:raw', $path or return;
    local $/;
    return scalar(<$fh>) // '';
}

sub spew
{
    my ($path, $content) = @_;

    open my $fh, '>:raw', $path or croak "cannot write $path: $!";
    print $fh $content;
    close $fh or croak "cannot write $path: $!";
}

# The last $count lines of a text.
sub tail
{
    my ($text, $count) = @_;
    my @lines = split /\n/, $text // '';

    splice @lines, 0, @lines - $count if @lines > $count;
    return @lines;
}

# All living processes: pid => {ppid, pgrp, title}. Zombies are not listed: they only wait for
# a parent that may never ask.
sub processes
{
    my %all;

    for my $stat (glob '/proc/[0-9]*/stat') {
        my $text = slurp($stat) // next;
        my ($pid, $state, $ppid, $pgrp) = $text =~ /^(\d+) \(.*\) (\S) (\d+) (\d+)/s or next;
        next if $state =~ /[ZX]/;
        my $title = slurp("/proc/$pid/cmdline") // next;
        $title =~ s/\0+\z//;
        $title =~ tr/\0/ /;
        $all{$pid} = {ppid => $ppid, pgrp => $pgrp, title => $title};
    }
    return \%all;
}

sub group_pids
{
    my ($group) = @_;
    my $all = processes();

    return grep { $all->{$_}{pgrp} == $group } sort { $a <=> $b } keys %$all;
}

sub alive
{
    my ($pid) = @_;
    my ($state) = (slurp("/proc/$pid/stat") // return 0) =~ /\) (\S)/;

    return $state !~ /[ZX]/;
}

# The rows of the kernel's TCP tables: {local, remote, state, unread}, addresses as port numbers.
sub tcp_sockets
{
    my @rows;

    for my $line (map { split /\n/, slurp($_) // '' } '/proc/net/tcp', '/proc/net/tcp6') {
        $line =~ /^\s*\d+: \w+:(\w+) \w+:(\w+) (\w\w) \w+:(\w+)/ or next;
        push @rows, {local => hex $1, remote => hex $2, state => hex $3, unread => hex $4};
    }
    return @rows;
}

1;
