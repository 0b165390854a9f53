# ngx_http_flv_module and ngx_http_mp4_module: parts of files. The MP4 files are made here, box by
# box; what comes back is read sample by sample, as a player would.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

# --- making MP4 ---------------------------------------------------------------------------------

sub box
{
    my ($type, @content) = @_;
    my $content = join '', @content;

    return pack('Na4', 8 + length $content, $type) . $content;
}

sub table
{
    my ($type, $format, @rows) = @_;

    return box($type, pack('NN', 0, scalar @rows), map { pack $format, ref ? @$_ : $_ } @rows);
}

# A head with times: version 0 or 1, what stands between them, and what is behind.
sub timed_box
{
    my ($type, $wide, $between, $duration, $rest) = @_;
    my $time = $wide ? 'Q>' : 'N';

    return box($type, pack("N$time$time", $wide << 24, 1, 2), $between, pack($time, $duration),
        $rest);
}

# Where each sample lies: chunks of all tracks take turns.
sub layout
{
    my (@tracks) = @_;
    my ($data, @offsets) = ('');

    for my $track (@tracks) {
        my $delta = 0;
        $track->{deltas} = [map { ($_->[1]) x $_->[0] } @{$track->{stts}}];
        $track->{size_of} = $track->{same_size} ? [map { $track->{same_size} } @{$track->{deltas}}]
            : [map { 8 + ($_ * 7) % 30 } 0 .. $#{$track->{deltas}}];
        ($track->{at}, $track->{samples}) = (0, []);
    }
    for (my $chunk = 1; grep { $_->{at} < @{$_->{deltas}} } @tracks; $chunk++) {
        for my $t (0 .. $#tracks) {
            my $track = $tracks[$t];
            my ($per) = map { $_->[1] } grep { $_->[0] <= $chunk } reverse @{$track->{stsc}};
            next if $track->{at} >= @{$track->{deltas}};
            push @{$offsets[$t]}, length $data;
            for (1 .. $per) {
                last if $track->{at} >= @{$track->{deltas}};
                my $text = sprintf '%s%d.', chr(65 + $t), $track->{at};
                $text = substr $text x 40, 0, $track->{size_of}[$track->{at}++];
                $data .= $text;
                push @{$track->{samples}}, $text;
            }
        }
    }
    return ($data, @offsets);
}

sub track_box
{
    my ($track, $duration, $wide, @offsets) = @_;
    my $ticks = 0;

    $ticks += $_ for @{$track->{deltas}};
    my $size = $track->{same_size} // 0;
    my $sizes = $track->{size_of};
    my $stbl = box('stbl', box('stsd', pack('NN', 0, 1), box('what', "\0" x 20)),
        table('stts', 'NN', @{$track->{stts}}),
        $track->{stss} ? table('stss', 'N', @{$track->{stss}}) : '',
        $track->{ctts} ? table('ctts', 'NN', @{$track->{ctts}}) : '',
        table('stsc', 'NNN', @{$track->{stsc}}),
        box('stsz', pack 'NNN*', 0, $size, scalar @$sizes, $size ? () : @$sizes),
        $track->{co64} ? table('co64', 'Q>', @offsets) : table('stco', 'N', @offsets),
        @{$track->{more} // []});
    return box('trak', timed_box('tkhd', $wide, pack('NN', 1, 0), $duration, "\0" x 60),
        $track->{elst} ? box('edts', table('elst', 'NNN', @{$track->{elst}})) : '',
        box('mdia', timed_box('mdhd', $wide, pack('N', $track->{scale}), $ticks, pack('N', 0)),
            box('hdlr', "\0" x 24), box('minf', box('dinf'), $stbl)));
}

sub movie
{
    my ($options, @tracks) = @_;
    my ($data, @offsets) = layout(@tracks);
    my $wide = $options->{wide} // 0;
    my $ftyp = box('ftyp', 'isom', pack('N', 512), 'isom');
    my $mdat = $options->{mdat64} ? pack('Na4Q>', 1, 'mdat', 16 + length $data)
        : pack('Na4', $options->{mdat0} ? 0 : 8 + length $data, 'mdat');
    my ($moov, $before) = ('', 0);
    for (1, 2) {
        $before = length($ftyp) + length($mdat) + ($options->{tail} ? 0 : length $moov)
            + length($options->{before} // '');
        $moov = box('moov', timed_box('mvhd', $wide, pack('N', 1000), $options->{duration} // 1000,
            "\0" x 80), map {
                track_box($tracks[$_], $options->{duration} // 1000, $wide,
                    map { $_ + $before } @{$offsets[$_]})
            } 0 .. $#tracks);
    }
    return join '', $ftyp, $options->{before} // '', $options->{tail} ? ($mdat, $data, $moov)
        : ($moov, $mdat, $data);
}

# --- reading MP4 --------------------------------------------------------------------------------

# {type} of the boxes inside, each with [content...]; those of tracks stay apart.
sub boxes
{
    my ($text) = @_;
    my %found;

    while (length $text >= 8) {
        my ($size, $type) = unpack 'Na4', $text;
        return {broken => 1} if $size < 8 || $size > length $text;
        push @{$found{$type}}, substr $text, 8, $size - 8;
        substr $text, 0, $size, '';
    }
    $found{broken} = 1 if length $text;
    return \%found;
}

sub inside
{
    my ($boxes, @way) = @_;

    for my $type (@way) {
        return if !$boxes->{$type};
        $boxes = boxes($boxes->{$type}[0]);
    }
    return $boxes;
}

sub rows
{
    my ($boxes, $type, $columns) = @_;
    my ($head, $count, @cells) = unpack 'NNN*', $boxes->{$type} ? $boxes->{$type}[0] : pack 'NN';

    return if !$boxes->{$type};
    return map { [splice @cells, 0, $columns] } 1 .. $count;
}

# All samples of a track: "text delta offset-in-time key".
sub samples
{
    my ($file, $trak) = @_;
    my $stbl = inside($trak, qw(mdia minf stbl));
    my @deltas = map { ($_->[1]) x $_->[0] } rows($stbl, 'stts', 2);
    my @shifts = map { ($_->[1]) x $_->[0] } rows($stbl, 'ctts', 2);
    my %keys = map { $_->[0] => 1 } rows($stbl, 'stss', 1);
    my ($zero, $size, $count, @sizes) = unpack 'N*', $stbl->{stsz}[0];
    my @offsets = $stbl->{co64} ? map { $_->[0] << 32 | $_->[1] } rows($stbl, 'co64', 2)
        : map { $_->[0] } rows($stbl, 'stco', 1);
    my (@stsc, @found) = rows($stbl, 'stsc', 3);

    for my $chunk (1 .. @offsets) {
        my ($per) = map { $_->[1] } grep { $_->[0] <= $chunk } reverse @stsc;
        my $at = $offsets[$chunk - 1];
        for (1 .. $per) {
            last if @found >= @deltas;
            my $n = @found;
            my $length = $size || $sizes[$n];
            push @found, join ' ', substr($file, $at, $length), $deltas[$n], $shifts[$n] // 0,
                $stbl->{stss} ? $keys{$n + 1} // 0 : 'all';
            $at += $length;
        }
    }
    return @found;
}

# What samples() has to find for samples [from, to) of a track as it was made.
sub expected
{
    my ($track, $from, $to) = @_;
    my @shifts = map { ($_->[1]) x $_->[0] } @{$track->{ctts} // []};
    my %keys = map { $_ => 1 } @{$track->{stss} // []};

    return map {
        join ' ', $track->{samples}[$_], $track->{deltas}[$_], $shifts[$_] // 0,
            $track->{stss} ? $keys{$_ + 1} // 0 : 'all'
    } $from .. $to - 1;
}

sub duration_of
{
    my ($box, $type) = @_;
    my ($version) = unpack 'C', $box;
    my $at = $version ? ($type eq 'tkhd' ? 28 : 24) : $type eq 'tkhd' ? 20 : 16;

    return unpack $version ? 'Q>' : 'N', substr $box, $at;
}

# --- the files ----------------------------------------------------------------------------------

# 25 pictures a second for a second, and sound: 20 samples of 50 ms, then 10 of none worth telling.
sub video { return {scale => 600, stts => [[25, 24]], stss => [1, 6, 13, 21],
    stsc => [[1, 3, 1], [3, 2, 1], [7, 4, 2]], @_} }
sub sound { return {scale => 8000, stts => [[10, 400], [5, 320], [10, 240]], stsc => [[1, 5, 1]],
    @_} }

my %files = (
    plain => [{}, video(), sound()],
    single => [{}, video()],
    tail => [{tail => 1}, video(), sound()],
    wide => [{wide => 1}, video(co64 => 1), sound(co64 => 1)],
    shifted => [{}, video(ctts => [[4, 48], [6, 0], [15, 24]]), sound()],
    mdat64 => [{mdat64 => 1}, video(), sound()],
    edited => [{before => box('free', 'x' x 50)},
        video(elst => [[1000, 48, 65536]], more => [box('sgpd', 'zzzz')]), sound()],
    short => [{}, video(), sound(stts => [[10, 400]])],
    same => [{}, video(), sound(same_size => 12)],
    mdat0 => [{mdat0 => 1}, video(), sound()],
    none => [{}],
);

my $t = Test::Weir->new(name => 'media');
for my $name (sort keys %files) {
    $t->write_file("html/$name.mp4", movie(@{$files{$name}}));
}
my $flv = join '', map { sprintf '%04d', $_ } 0 .. 99;
$t->write_file('html/x.flv', $flv);
$t->write_file('html/junk.mp4', 'junk' x 100);
$t->write_file('html/empty.mp4', '');
$t->write_file('html/tiny.mp4', 'abcd');
$t->write_file('html/cut.mp4', substr movie(@{$files{plain}}), 0, 1500);
$t->write_file('html/index.html', "index\n");
$t->write_file('html/folder/a.txt', "a\n");
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    types { video/mp4 mp4; video/x-flv flv; text/html html; }
    access_log off;
    root html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { mp4; }
        location /key/ { alias html/; mp4; mp4_start_key_frame on; }
        location /small/ { alias html/; mp4; mp4_buffer_size 64; }
        location /little/ { alias html/; mp4; mp4_buffer_size 64; mp4_max_buffer_size 300; }
        location /flv/ { alias html/; flv; }
        location /sent/ { alias html/; sendfile on; flv; }
        location /sent-mp4/ { alias html/; sendfile on; mp4; }
    }
}
CONF
$t->start;

sub body_of
{
    my ($uri, @headers) = @_;

    return request($t->port, 'GET', $uri, headers => \@headers);
}

# --- FLV ----------------------------------------------------------------------------------------

my $flv_head = "FLV\x01\x05\0\0\0\x09\0\0\0\0";
for my $case (['', 0], ['?start=0', 0], ['?start=1', 1], ['?start=100', 100], ['?start=399', 399],
    ['?start=400', 0], ['?start=4000', 0], ['?start=x', 0], ['?start=-1', 0], ['?start=', 0],
    ['?a=1&start=40', 40], ['?START=40&end=60', 40], ['?start=99999999999999999999', 0])
{
    my ($args, $from) = @$case;
    my $answer = body_of("/flv/x.flv$args");
    my $body = $from ? $flv_head . substr($flv, $from) : $flv;
    is($answer->{body}, $body, "flv $args: the body");
    is($answer->{header}{'content-type'}, 'video/x-flv', "flv $args: the type");
    like($answer->{header}{etag}, qr/^"[0-9a-f]+-${\sprintf '%x', length $body}"$/,
        "flv $args: a tag of its own");
}
for my $case (['0-3', 'FLV' . "\x01"], ['10-16', substr($flv_head, 10) . '0010'],
    ['13-20', '00100011'], ['-4', '0099'], ['370-', '0099'])
{
    my ($range, $body) = @$case;
    for my $place (qw(flv sent)) {
        my $answer = body_of("/$place/x.flv?start=40", Range => "bytes=$range");
        my $whole = $flv_head . substr $flv, 40;
        is($answer->{status}, 206, "flv, part $range: 206");
        my ($from, $to) = $range =~ /^-(\d+)/ ? (length($whole) - $1, length $whole)
            : $range =~ /^(\d+)-(\d*)/ && ($1, length $2 ? $2 + 1 : length $whole);
        is($answer->{body}, substr($whole, $from, $to - $from), "flv, part $range: in /$place");
    }
}
if (!skipped('several parts of a part', differs => 'they are whole')) {
    my $several = body_of('/flv/x.flv?start=40', Range => 'bytes=0-2,12-16,-4');
    like($several->{body}, qr/\r\n\r\nFLV\r\n.*\r\n\r\n\x000010\r\n.*\r\n\r\n0099\r\n/s,
        'flv: several parts');
}
for my $case (['POST', '/flv/x.flv', 405], ['PUT', '/flv/x.flv', 405], ['GET', '/flv/none', 404],
    ['GET', '/flv/folder', 301], ['GET', '/flv/folder/', 403], ['GET', '/flv/', 200],
    ['HEAD', '/flv/x.flv?start=40', 200], ['POST', '/plain.mp4', 405], ['GET', '/none', 404],
    ['GET', '/folder', 301], ['GET', '/folder/', 403], ['GET', '/', 200],
    ['HEAD', '/plain.mp4?start=0.5', 200])
{
    my ($method, $uri, $status) = @$case;
    is(request($t->port, $method, $uri)->{status}, $status, "$method $uri");
}

# --- MP4 ----------------------------------------------------------------------------------------

# [uri, file, duration in milliseconds, [from, to] of each track; ticks before what is shown]
sub check
{
    my ($uri, $name, $duration, $tracks, $prefix) = @_;
    my $answer = body_of($uri);
    my $file = $answer->{body} // '';
    my $top = boxes($file);
    my (undef, @tracks) = @{$files{$name}};

    is($answer->{status}, 200, "$uri: 200") or return;
    is(join(' ', sort keys %$top), 'ftyp mdat moov', "$uri: the boxes") or return;
    my $moov = boxes($top->{moov}[0]);
    is(duration_of($moov->{mvhd}[0], 'mvhd'), $duration, "$uri: duration");
    my @traks = map { boxes($_) } @{$moov->{trak}};
    my @wanted = grep { $tracks->[$_] } 0 .. $#tracks;
    is(scalar @traks, scalar @wanted, "$uri: tracks");
    for my $i (0 .. $#wanted) {
        my ($from, $to) = @{$tracks->[$wanted[$i]]};
        is(duration_of($traks[$i]{tkhd}[0], 'tkhd'), $duration, "$uri: duration of track $i");
        is(join("\n", samples($file, $traks[$i])),
            join("\n", expected($tracks[$wanted[$i]], $from, $to)), "$uri: samples of track $i");
        my $elst = inside($traks[$i], 'edts');
        is($elst ? join(' ', unpack 'NNQ>Q>N', $elst->{elst}[0]) : 'none',
            $i == 0 && $prefix ? "16777216 1 $duration $prefix 65536" : 'none',
            "$uri: edit list of track $i");
    }
    return;
}

check(@$_) for
    ['/plain.mp4?start=0.1', 'plain', 900, [[2, 25], [2, 25]]],
    ['/plain.mp4?start=.3', 'plain', 700, [[7, 25], [6, 25]]],
    ['/plain.mp4?start=0.4807', 'plain', 520, [[12, 25], [9, 25]]],
    ['/plain.mp4?start=0.75', 'plain', 250, [[18, 25], [16, 25]]],
    ['/plain.mp4?START=0.1&end=0.45', 'plain', 350, [[2, 10], [2, 9]]],
    ['/plain.mp4?end=0.55', 'plain', 550, [[0, 13], [0, 11]]],
    ['/plain.mp4?start=0.15&end=0.58', 'plain', 430, [[3, 13], [3, 12]]],
    ['/plain.mp4?start=0.5&end=0.4', 'plain', 500, [[12, 25], [10, 25]]],
    ['/plain.mp4?start=0.5&end=99', 'plain', 500, [[12, 25], [10, 25]]],
    ['/plain.mp4?start=0.5&end=x', 'plain', 500, [[12, 25], [10, 25]]],
    ['/single.mp4?start=0.5', 'single', 500, [[12, 25]]],
    ['/tail.mp4?start=0.5', 'tail', 500, [[12, 25], [10, 25]]],
    ['/wide.mp4?start=0.5', 'wide', 500, [[12, 25], [10, 25]]],
    ['/mdat64.mp4?start=0.5', 'mdat64', 500, [[12, 25], [10, 25]]],
    ['/edited.mp4?start=0.5', 'edited', 500, [[12, 25], [10, 25]]],
    ['/shifted.mp4?start=0.2&end=0.62', 'shifted', 420, [[5, 15], [4, 13]]],
    ['/short.mp4?start=0.3', 'short', 700, [[7, 25], [6, 10]]],
    ['/short.mp4?start=0.6', 'short', 400, [[15, 25]]],
    ['/small/plain.mp4?start=0.5', 'plain', 500, [[12, 25], [10, 25]]],
    ['/small/tail.mp4?start=0.5', 'tail', 500, [[12, 25], [10, 25]]],
    ['/sent-mp4/plain.mp4?start=0.5', 'plain', 500, [[12, 25], [10, 25]]],
    ['/key/single.mp4?start=0.3', 'single', 700, [[5, 25]], 48],
    ['/key/plain.mp4?start=0.3', 'plain', 700, [[5, 25], [6, 25]], 48],
    ['/key/plain.mp4?start=0.48', 'plain', 520, [[12, 25], [9, 25]]],
    ['/key/shifted.mp4?start=0.3&end=0.58', 'shifted', 280, [[5, 14], [6, 12]], 48];

if (!skipped('all samples have one size', differs => 'offsets and counts are right')) {
    check('/same.mp4?start=0.1', 'same', 900, [[2, 25], [2, 25]]);
    check('/same.mp4?start=0.35&end=0.53', 'same', 180, [[8, 12], [7, 10]]);
    check('/mdat0.mp4?start=0.5', 'mdat0', 500, [[12, 25], [10, 25]]);
}

my $plain = movie(@{$files{plain}});
is(body_of("/plain.mp4$_")->{body}, $plain, "plain$_: the file as it is")
    for '', '?start=0', '?start=0.0001', '?start=x', '?start=-1', '?start=0.5x', '?start=1e2',
    '?start=', '?xstart=0.5', '?end=0', '?end=x', '?start=99999999999999999999';
my $part = body_of('/plain.mp4?start=0.5')->{body};
is(body_of('/plain.mp4?start=0.5', Range => 'bytes=100-' . (length($part) - 50))->{body},
    substr($part, 100, length($part) - 149), 'a part of a part');
for my $case (['/plain.mp4?start=1.001', 'plain.mp4" mp4 start time exceeds file duration'],
    ['/plain.mp4?start=99999999999', 'mp4 start time exceeds file duration'],
    ['/none.mp4?start=0.1', 'no mp4 trak atoms were found in "'],
    ['/junk.mp4?start=1', 'junk.mp4" mp4 atom too large:1786080875'],
    ['/empty.mp4?start=1', 'no mp4 trak atoms were found in "'],
    ['/tiny.mp4?start=1', 'tiny.mp4" mp4 file truncated'],
    ['/plain.mp4?end=0.01', 'no data between start time and end time in "'],
    ['/little/plain.mp4?start=0.5', qr/mp4 moov atom is too large:\d+, you may want to increase /])
{
    my ($uri, $message) = @$case;
    is(body_of($uri)->{status}, 500, "$uri: 500");
    like($t->error_log, ref $message ? $message : qr/\Q$message\E/, "$uri: logged");
}
is(body_of('/cut.mp4?start=0.5')->{status}, 500, 'a file that ends too early') if !on_oracle();
$t->stop;

run_tests();

__DATA__

=== mp4 is for locations
--- config
mp4;
--- conf_error
[emerg] "mp4" directive is not allowed here in %%CONF%%:

=== flv has no arguments
--- config
location / { flv on; }
--- conf_error
[emerg] invalid number of arguments in "flv" directive in %%CONF%%:

=== sizes
--- config
mp4_buffer_size large;
--- conf_error
[emerg] "mp4_buffer_size" directive invalid value in %%CONF%%:

=== in a nested location they are not inherited
--- config
location / { mp4; location /plain/ { alias html/; } }
--- user_files
>>> a.txt
some text
--- keepalive_requests
GET /plain/a.txt?start=5
~~~
GET /a.txt?start=5
--- error_code: 200 500
--- error_log
mp4 atom too large
