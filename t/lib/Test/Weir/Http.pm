# HTTP requests on connections of their own, for tests in plain Perl.
# Owns nothing; the connections live as long as a call.
package Test::Weir::Http;

use strict;
use warnings;
use Exporter qw(import);
use Test::More import => [qw(fail)];
use Test::Weir::Conn;

our @EXPORT_OK = qw(get http request);

# Sends bytes and returns all that comes back until the server closes (or `until` matches).
sub http
{
    my ($where, $bytes, %opt) = @_;
    my $conn = Test::Weir::Conn->new($where, %opt);

    $conn->write($bytes);
    return $conn->read_until($opt{until}) // $conn->read_all(0.01) if $opt{until};
    my $answer = $conn->read_all;
    fail('http: the server did not close; got ' . length($answer) . ' bytes')
        if $conn->state eq 'open';
    return $answer;
}

# One request on a connection of its own: a response as Test::Weir::Conn->read_response gives it,
# or undef. Options: headers (list of names and values; Host and `Connection: close` are added
# where they are missing), body (adds Content-Length), and those of Test::Weir::Conn->new.
sub request
{
    my ($where, $method, $path, %opt) = @_;
    my @headers = @{$opt{headers} // []};
    my %has = map { (lc $headers[2 * $_] => 1) } 0 .. @headers / 2 - 1;

    unshift @headers, Host => 'localhost' unless $has{host};
    push @headers, Connection => 'close' unless $has{connection};
    push @headers, 'Content-Length' => length $opt{body}
        if defined $opt{body} && !$has{'content-length'} && !$has{'transfer-encoding'};
    my $head = "$method $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    my $conn = Test::Weir::Conn->new($where, %opt);
    $conn->write("$head\r\n" . ($opt{body} // ''));
    return $conn->read_response(method => $method);
}

sub get
{
    my ($where, $path, @headers) = @_;

    return request($where, 'GET', $path, headers => \@headers);
}

1;
