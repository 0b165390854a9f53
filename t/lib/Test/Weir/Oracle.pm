# Runs against another program than weir: what is skipped there, and the count of it.
# Owns the list of skipped scenarios of this test file.
package Test::Weir::Oracle;

use strict;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use Test::More ();

our @EXPORT = qw(on_oracle skip_file skipped);

my @skips;
my $version;

sub on_oracle { return defined $ENV{WEIR_ORACLE} && $ENV{WEIR_ORACLE} ne '' }

sub _number
{
    my ($text) = @_;
    my @parts = $text =~ /(\d+)/g or croak "bad version $text";

    return sprintf '%04d%04d%04d', map { $_ // 0 } @parts[0 .. 2];
}

sub _version
{
    return $version //= do {
        my $text = `'$ENV{WEIR_ORACLE}' -v 2>&1`;
        $text =~ m{/(\d+\.\d+(?:\.\d+)?)} ? $1 : croak "no version from $ENV{WEIR_ORACLE}: $text";
    };
}

# Why a scenario with these marks does not run against the oracle, or undef. since => VERSION: the
# feature came with that version; differs => REASON: weir answers otherwise on purpose.
sub why_skipped
{
    my (%marks) = @_;

    return unless on_oracle();
    return "differs: $marks{differs}" if defined $marks{differs};
    return unless defined $marks{since} && _number($marks{since}) gt _number(_version());
    return "since $marks{since}";
}

# True when the named scenario is to be left out; it is counted then.
sub skipped
{
    my ($name, %marks) = @_;

    my ($unknown) = grep { !/^(?:since|differs)$/ } keys %marks;
    croak "unknown mark $unknown" if defined $unknown;
    my $why = why_skipped(%marks) // return 0;
    push @skips, {name => $name, why => $why};
    Test::More->builder->skip("oracle, $why");
    return 1;
}

# Leaves the whole file out when the marks say so; before the first test.
sub skip_file
{
    my (%marks) = @_;
    my $why = why_skipped(%marks) // return;

    push @skips, {name => 'the whole file', why => $why};
    report();
    Test::More::plan(skip_all => "oracle, $why");
}

sub report
{
    return unless on_oracle();
    my $since = grep { $_->{why} =~ /^since/ } @skips;
    my $total = @skips;
    my $differs = $total - $since;
    my $builder = Test::More->builder;

    $builder->diag("oracle: skip: $0: $_->{name}: $_->{why}") for @skips;
    $builder->diag("oracle: skipped $total (since $since, differs $differs) in $0");
}

1;
