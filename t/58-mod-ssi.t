# ngx_http_ssi_module: every command, its errors, and pages cut anywhere.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

my $error = '[an error occurred while processing the directive]';
my $not_found = qr/<h1>404 Not Found<\/h1>.*/s;

# name, page, what comes of it (~ is the error text), reason why nginx does otherwise.
# Each is asked for as /NAME?q=Q%20<&r=R; pages may include others by name.
my @pages = (

    # --- text and the form of commands ---
    ['plain', 'a <!-- comment --> < <! <!- <!--x <!--- # --> <!--!# > b'],
    ['inside', '<<!--# echo var="uri" --> <!--<!--# echo var="uri" --> <!-<!--#echo var="uri"-->',
        '</inside <!--/inside <!-/inside'],
    ['blanks', qq{<!--#echo var="uri"-->,<!--#  echo \t var="uri"\r\n-->,<!--# echo var = 'uri' -->},
        '/blanks,/blanks,/blanks'],
    ['no_end', 'a<!--# echo var="uri"', 'a'],
    ['no_end_dash', 'a<!--# echo var="uri" --', 'a'],
    ['begin_at_end', 'a<!-', 'a<!-', 'it loses a beginning at the end of the page'],
    ['quotes', q{<!--# echo var="none" default="a-->'b" encoding="none" -->}
        . q{<!--# echo var="none" default='a"b' encoding="none" -->}, q{a-->'ba"b}],
    ['form', '<!--#echo var=uri -->1<!--# echo var="uri"encoding="none" -->2<!--# echo var -->3'
        . '<!--# echo "uri" -->4<!--# echo var="uri" -- > -->5<!--# echo-->6<!--# ech--># o -->7',
        '~1~2~3~4~5~6~# o -->7'],
    ['names', '<!--# foo -->1<!--# Echo var="uri" -->2<!--# echo VAR="uri" -->3'
        . '<!--# echovar="uri" -->4<!--# echo var="uri" bad="x" -->5<!--# echo var="uri" var="q" -->6',
        '~1~2~3~4~5~6'],
    ['no_name', '<!--#-->1<!--# -->2', '~1~2', 'it takes a part of the end for the name'],
    ['long_name', '<!--# ' . 'a' x 33 . ' -->1<!--# echo ' . 'b' x 40 . '="x" -->2', '~1~2'],
    ['many', '<!--# echo' . join('', map { qq{ p$_="v"} } 1 .. 40) . ' -->1', '~1'],

    # --- echo ---
    ['echo', '<!--# echo var="arg_q" -->|<!--# echo var="arg_q" encoding="none" -->|'
        . '<!--# echo var="arg_q" encoding="url" -->|<!--# echo var="arg_q" encoding="entity" -->',
        'Q%20&lt;|Q%20<|Q%2520%3C|Q%20&lt;'],
    ['echo_none', '<!--# echo var="nope" -->|<!--# echo var="nope" default="D" -->|'
        . '<!--# echo var="arg_zz" -->|<!--# echo var="" -->|<!--# echo var="x" default="" -->|'
        . '<!--# echo var="x" default="<\"$uri" -->', '(none)|D|(none)|(none)||&lt;\&quot;$uri'],
    ['echo_case', '<!--# echo var="URI" --><!--# echo var="HTTP_HOST" --><!--# echo var="Arg_r" -->',
        '/echo_caselocalhostR'],
    ['echo_conf', '<!--# echo var="made" --><!--# echo var="args" encoding="none" -->',
        's&lt;v&gt;q=Q%20<&r=R'],

    ['echo_url', q{<!--# echo var="x" default="@ !#$%&'()*+,-./:;<=>?[]^_`{|}~" encoding="url" -->},
        qr/^\Q@%20!%23\E\$\Q%25&%27()*+,-.\E\/\Q:;%3C=%3E?[]%5E_%60%7B%7C%7D\E~$/],
    ['echo_entity', q{<!--# echo var="x" default="@ !#$%&'()*+,-./:;<=>?[]^_`{|}" -->},
        q{@ !#$%&amp;'()*+,-./:;&lt;=&gt;?[]^_`{|}}],

    # --- set ---
    ['set', '<!--# set var="x" value="1$uri" --><!--# echo var="x" -->|'
        . '<!--# set var="x" value="${uri}z$x$nope." --><!--# echo var="X" -->|'
        . '<!--# set value="" var="x" --><!--# echo var="x" -->', '1/set|/setz1/set.|'],
    ['set_escapes', q{<!--# set var="x" value='a\'b\\\\c\$d"\n\z' --><!--# echo var="x" encoding="none" -->},
        q{a'b\\c$d"\n\z}],
    ['set_own', '<!--# set var="uri" value="SET" --><!--# echo var="uri" -->'
        . '<!--# set var="a b" value="1" --><!--# echo var="a b" -->', 'SET1'],
    ['set_wrong', '<!--# set var="x" -->1<!--# set value="x" -->2<!--# set var="x" value="$" -->3'
        . '<!--# set var="x" value="${" -->4<!--# set var="x" value="a$ b" -->5'
        . '<!--# set var="x" value="${uri" -->6<!--# echo var="x" -->', '~1~2~3~4~5~6(none)'],

    # --- if ---
    ['if', '<!--# if expr="$arg_r" -->1<!--# else -->2<!--# endif -->'
        . '<!--# if expr="$arg_z" -->3<!--# else -->4<!--# endif -->'
        . '<!--# if expr="text" -->5<!--# endif --><!--# if expr="" -->6<!--# endif -->'
        . '<!--# if expr="$nope" -->7<!--# endif -->8', '1458'],
    ['if_equal', join('', map { qq{<!--# if expr="$_" -->1<!--# else -->0<!--# endif -->} }
        '$arg_r = R', '$arg_r = Q', '$arg_r != R', '$arg_r!=Q', '$arg_r=R',
        '$arg_r  =  R', '$arg_r = R ', '$arg_r == R', '$arg_r = $arg_r', '$arg_z = ', '$nope = x'),
        '10011100110'],
    ['if_words', join('', map { qq{<!--# if expr="$_" -->1<!--# else -->0<!--# endif -->} }
        'R = $arg_r', '${arg_r} = R', 'R != Q', 'a = a'), '1111', 'it has variables only on the left'],
    ['if_regex', join('', map { qq{<!--# if expr="\$uri = /$_/" -->1<!--# else -->0<!--# endif -->} }
        '^.if', 'IF', '_re', 'x|y', 'regex\$', '$arg_r', ''), '1011101'],
    ['if_not_regex', '<!--# if expr="$uri != /zz/" -->1<!--# endif -->', '1'],
    ['captures', '<!--# if expr="$arg_r = /^(?P<nn>R)\$/" -->$1<!--# echo var="nn" -->'
        . '<!--# echo var="0" --><!--# set var="z" value="<$1>" --><!--# echo var="z" -->'
        . '<!--# endif --><!--# if expr="$arg_r = /Z/" -->no<!--# endif --><!--# echo var="1" -->|'
        . '<!--# if expr="$arg_r = /(Q)?R()/" --><!--# endif --><!--# echo var="1" -->,'
        . '<!--# echo var="3" --><!--# set var="z" value="<$1$2$3$nn>" --><!--# echo var="z" -->',
        '$1RR&lt;R&gt;R|,(none)&lt;R&gt;'],
    ['elif', join('', map { qq{<!--# if expr="\$arg_$$_[0]" -->1<!--# elif expr="\$arg_$$_[1]" -->2}
        . qq{<!--# elif expr="\$arg_$$_[2]" -->3<!--# else -->4<!--# endif -->} }
        ['r', 'r', 'r'], ['z', 'r', 'r'], ['z', 'z', 'r'], ['z', 'z', 'z']), '1234'],
    ['if_nested', '<!--# if expr="$arg_r" -->a<!--# if expr="$arg_z" -->b<!--# else -->c'
        . '<!--# if expr="$arg_r" -->d<!--# endif -->e<!--# endif -->f<!--# else -->g<!--# endif -->h'
        . '<!--# if expr="$arg_z" -->i<!--# if expr="$arg_r" -->j<!--# else -->k<!--# endif -->l'
        . '<!--# elif expr="$arg_r" -->m<!--# endif -->', 'acdefhm', 'it has one level only'],
    ['if_hides', '<!--# if expr="$arg_z" --><!--# include virtual="/none" --><!--# foo -->'
        . '<!--# echo var="uri" --><!--# set var="k" value="v" --><!--# config errmsg="X" -->'
        . '<!--# echo --><!--# block name="hb" --><!--# endif -->'
        . '<!--# echo var="k" --><!--# foo -->', '(none)~'],
    ['if_place', '<!--# endif -->1<!--# else -->2<!--# elif expr="1" -->3<!--# if expr="1" -->4'
        . '<!--# else -->5<!--# else -->6<!--# endif -->7', '~1~2~34~7'],
    ['if_wrong', join('', map { qq{<!--# if expr="$_" -->1<!--# else -->2<!--# endif -->} }
        ' $arg_r = R', '$arg_r !', 'a b', '$arg_r = /R', '$arg_r = /R/i', '$arg_r = /[/', '$arg_r ?= R',
        '${arg_r = R', 'a-b = c') . '<!--# if -->1<!--# endif -->3', '~' x 10 . '3',
        'a condition that cannot be read shows all of its branches'],
    ['elif_wrong', '<!--# if expr="$arg_z" -->1<!--# elif expr="a b" -->2<!--# else -->3<!--# endif -->4',
        '~4', 'a condition that cannot be read shows all of its branches'],
    ['if_many', '<!--# if expr="1" -->' x 32 . 'a' . '<!--# endif -->' x 32 . 'b', 'ab',
        'it has one level only'],

    # --- include ---
    ['include', '<!--# include virtual="/inc/a?b=c" --><!--# include file="inc/d" -->'
        . '<!--# include virtual="inc/e" -->', '[/inc/a|b=c][/inc/d|][/inc/e|]'],
    ['include_vars', '<!--# include virtual="/inc/$arg_r?a=$arg_r&b=<" --><!--# include virtual="/inc/\$a" -->'
        . '<!--# include virtual="/inc/$nope" --><!--# include virtual="/inc/x#f" -->',
        '[/inc/R|a=R&b=<][/inc/$a|][/inc/|][/inc/x#f|]'],
    ['include_page', '(<!--# include virtual="/inner" -->)', '(/inner /include_page?q=Q%20&lt;&amp;r=R GET )'],
    ['inner', '<!--# echo var="uri" --> <!--# echo var="request_uri" --> '
        . '<!--# echo var="request_method" --> <!--# echo var="args" default="" -->',
        '/inner /inner?q=Q%20&lt;&amp;r=R GET q=Q%20&lt;&amp;r=R'],
    ['include_raw', '<!--# include virtual="/raw/page" -->', 'RAW<!--# echo var="uri" -->'],
    ['include_error', '1<!--# include virtual="/none/x" -->2', qr/^1<html>.*404 Not Found.*2$/s],
    ['include_moved', '1<!--# include virtual="/moved" -->2', qr/^1<html>.*301 Moved.*2$/s],
    ['include_rewritten', '1<!--# include virtual="/rewritten" -->2', '1[/inc/r|a=b]2'],
    ['include_internal', '1<!--# include virtual="/internal" -->2', '1in2'],
    ['include_denied', '1<!--# include virtual="/denied" -->2', '1may2'],
    ['include_empty', '1<!--# include virtual="/empty" -->2<!--# include virtual="/nothing" -->3', '123'],
    ['include_wrong', '<!--# include -->1<!--# include virtual="/inc/a" file="b" -->2'
        . '<!--# include virtual="/inc/a" virtual="/inc/b" -->3<!--# include virtual="/inc/" wait="x" -->4'
        . '<!--# include virtual="/inc/" foo="d" -->5<!--# include virtual="/inc/$" -->6',
        '~1~2~3~4~5~6'],
    ['include_unsafe', '<!--# include virtual="../x" -->1<!--# include file="../../x" -->2'
        . '<!--# include virtual="/../x" -->3<!--# include virtual="/%00" -->4'
        . '<!--# include virtual="/inc/%2e%2e/../x" -->5', '~1~2~3~4~5'],
    ['include_in', '<!--# set var="a" value="1" --><!--# include virtual="/sets" --><!--# echo var="b" -->',
        '(1)(none)'],
    ['include_wait', '<!--# include virtual="/sets" wait="yes" --><!--# echo var="b" -->'
        . '<!--# include virtual="/inc/" wait="no" -->', '((none))2[/inc/|]'],
    ['sets', '(<!--# echo var="a" -->)<!--# set var="b" value="2" -->', '((none))'],
    ['include_captures', '<!--# if expr="$arg_r = /(R)/" --><!--# endif -->'
        . '<!--# include virtual="/shows?r=$1" -->', 'R,R'],
    ['shows', '<!--# echo var="1" -->,<!--# echo var="arg_r" -->', '(none),R'],
    ['include_set', '<!--# include virtual="/inc/s" set="v" -->[<!--# echo var="v" -->]'
        . '<!--# include virtual="/none/s" set="w" -->[<!--# echo var="w" -->]'
        . '<!--# include virtual="/inc/s" set="u" wait="no" -->[<!--# echo var="u" -->]',
        '[[/inc/s|]][][[/inc/s|]]'],
    ['include_set_page', '<!--# include virtual="/set_inner" set="v" -->[<!--# echo var="v" -->'
        . '<!--# echo var="i" -->]', '[text[/inc/i|]inner]', 'it has no include within such a one'],
    ['set_inner', '<!--# set var="i" value="inner" -->text<!--# include virtual="/inc/i" -->', 'text[/inc/i|]'],
    ['include_large', '<!--# include virtual="/large" set="v" -->[<!--# echo var="v" -->]', '[]',
        'it drops the connection'],
    ['include_self', '<!--# include virtual="/include_self" -->.', '~' . '.' x 52],

    # --- block, stub ---
    ['stub', '<!--# block name="one" -->S<!--# echo var="uri" -->$uri<!--# endblock -->'
        . '<!--# include virtual="/none/x" stub="one" -->|<!--# include virtual="/inc/" stub="one" -->|'
        . '<!--# include virtual="/fails" stub="one" -->|<!--# include virtual="/paged/x" stub="one" -->',
        'S/none/x$uri|[/inc/|]|S/fails$uri|S/paged/x$uri'],
    ['stub_empty', '<!--# block name="one" -->S<!--# endblock -->'
        . '<!--# include virtual="/nothing" stub="one" -->|'
        . '<!--# include virtual="/none/x" stub="one" -->', 'S|S'],
    ['stub_hides', '<!--# block name="one" -->S<!--# endblock -->'
        . '<!--# include virtual="/hides" stub="one" -->|<!--# include virtual="/empty" stub="one" -->',
        'S|S', 'it does so only when the length is known to be 0'],
    ['hides', '<!--# if expr="$nope" -->text<!--# endif -->', ''],
    ['stub_first', '<!--# block name="x" -->B1<!--# endblock --><!--# block name="x" -->B2<!--# endblock -->'
        . '<!--# include virtual="/none" stub="x" -->', 'B1'],
    ['stub_shared', '<!--# block name="x" -->B1<!--# endblock --><!--# include virtual="/stub_user" -->|', 'B1|'],
    ['stub_user', '<!--# include virtual="/none" stub="x" -->', '~'],
    ['stub_wrong', '<!--# include virtual="/none" stub="nope" -->1<!--# block -->2'
        . '<!--# block name="a" --><!--# endblock --><!--# include virtual="/none" set="v" stub="a" -->3', '~1~2~3'],
    ['blocks', '<!--# block name="a" -->1<!--# block name="b" -->2<!--# endblock -->3<!--# endblock -->4', '34'],
    ['block_text', q{<!--# block name="a" --><a> $uri <!--# echo var="none" default="x" -->}
        . '<!--# if expr="$arg_r" -->Y<!--# else -->N<!--# endif --><!--# endblock -->'
        . '<!--# include virtual="/none" stub="a" -->', '<a> $uri xN'],

    # --- config ---
    ['config', '<!--# config errmsg="OOPS" --><!--# foo -->|<!--# config -->|<!--# config foo="x" -->',
        'OOPS||OOPS'],
    ['config_own', '<!--# config errmsg="OOPS" timefmt="%Y" --><!--# include virtual="/plain_error" -->'
        . '<!--# foo -->', '~OOPS'],
    ['plain_error', '<!--# foo -->', '~'],
    ['dates', '<!--# echo var="date_gmt" -->|<!--# echo var="date_local" -->'
        . '<!--# config timefmt="%Y-%m" -->|<!--# echo var="date_gmt" -->'
        . '<!--# config timefmt="%s" -->|<!--# echo var="date_local" -->',
        qr/^\w+day, \d\d-\w{3}-\d{4} \d\d:\d\d:\d\d GMT\|\w+day, \d\d-\w{3}-\d{4} [\d:]+ \S+\|\d{4}-\d\d\|\d{10}$/],
    ['long_value', '<!--# set var="x" value="' . 'a' x 257 . '" --><!--# echo var="x" -->|'
        . '<!--# set var="x" value="' . 'b' x 255 . '" --><!--# echo var="x" -->', '~(none)|' . 'b' x 255],
);

sub expected {
    my ($text) = @_;
    $text =~ s/~/$error/g if defined $text && !ref $text;
    return $text;
}

my $t = Test::Weir->new(name => 'pages');
$t->write_file("html/$$_[0]", $$_[1], raw => 1) for @pages;
$t->write_file('html/raw/page', 'RAW<!--# echo var="uri" -->', raw => 1);
$t->write_file('html/large', 'x' x 5000);
$t->write_file('html/nothing', '');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    default_type text/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        ssi on;
        set $made "s<v>";
        location /inc/ { return 200 "[$uri|$args]"; }
        location /raw/ { ssi off; }
        location = /moved { return 301 /x; }
        location = /rewritten { rewrite ^ /inc/r?a=b; }
        location = /internal { internal; return 200 in; }
        location = /denied { root html/denied; deny all; try_files /file =404; }
        location = /empty { return 204; }
        location = /fails { return 500; }
        location /paged/ { error_page 404 /inc/page; }
    }
}
CONF
$t->write_file('html/denied/file', 'may');
$t->start;
for my $page (@pages) {
    my ($name, $text, $expected, $differs) = @$page;
    next if $differs && skipped($name, differs => $differs);
    my $answer = get($t->port, "/$name?q=Q%20<&r=R");
    $expected = expected($expected // $text);
    ref $expected ? like($answer->{body}, $expected, $name) : is($answer->{body}, $expected, $name);
}
$t->stop('QUIT');

# --- pages cut anywhere, and many parts ----------------------------------------------------------

{
    my $u = Test::Weir->new(name => 'cut');
    my $command = '<!--#include virtual="/inc/a b" --> <!- <!-- <!--#echo var="uri"-->|';
    my (%want, $many, $want_many);
    for my $shift (0 .. 24) {
        my $fill = 'x' x (16384 - 3 * $shift);
        $u->write_file("html/cut$shift", "$fill$command" x 3, raw => 1);
        $want{$shift} = "$fill\[/inc/a b] <!- <!-- /cut$shift|" x 3;
    }
    for my $i (1 .. 1000) {
        $many .= qq{$i<!--# include virtual="/part/} . $i % 7 . qq{" -->\n};
        $want_many .= $i . ($i % 7) x 3 . "\n";
    }
    $u->write_file('html/many', $many, raw => 1);
    $u->write_file("html/part/$_", $_ x 3) for 0 .. 6;
    $u->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    default_type text/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        ssi on;
        location /inc/ { return 200 "[$uri]"; }
    }
}
CONF
    $u->start;
    my @wrong = grep { get($u->port, "/cut$_")->{body} ne $want{$_} } sort keys %want;
    is("@wrong", '', 'commands across pieces');
    is(get($u->port, '/many')->{body}, $want_many, 'a thousand parts in their order');
    $u->stop('QUIT');
}

run_tests();

__DATA__

=== what happens to the head
--- http_config
default_type text/html;
--- config
ssi on;
location /kept/ { ssi_last_modified on; alias html/; }
location /css/ { types { } default_type text/css; alias html/; }
location /more/ { types { } default_type text/css; ssi_types text/css; alias html/; }
location /silent/ { ssi_silent_errors on; alias html/; }
location /short/ { ssi_value_length 8; alias html/; }
location /off/ { ssi off; alias html/; }
location /if/ { ssi off; if ($arg_x) { ssi on; } alias html/; }
location /log/ { ssi_min_file_chunk 10; alias html/; }
location /dates { return 200 "$date_gmt,$date_local"; }
--- user_files
>>> page @1700000000 eval
"<!--# echo var='arg_a' -->"
>>> wrong eval
"a<!--# nothing -->b<!--# echo var='long_value' -->c"
>>> empty @1700000000 eval
""
>>> errors eval
'<!--# foo --><!--# echo --><!--# echo var="x" y="z" --><!--# echo var="x" var="y" -->' .
'<!--# echo var=x --><!--# include --><!--# endif --><!--# if expr="a b" --><!--# endif -->' .
'<!--# set var="x" value="${a" --><!--# set var="x" value="$" --><!--# include virtual="../x" -->' .
'<!--# echo var="uri" encoding="zz" --><!--# include virtual="/x" stub="y" -->' .
'<!--# if expr="$uri = /(/" --><!--# endif --><!--# include virtual="/a" wait="x" -->' .
'<!--# include virtual="/a" file="b" --><!--# block name="b" --><!--# endblock -->' .
'<!--# include virtual="/a" set="x" stub="b" -->'
--- request
GET /page?a=1
--- response_headers
!Content-Length
!Last-Modified
!ETag
!Accept-Ranges
--- response_body chomp
1

=== Last-Modified stays, and the tag is weak
--- request
GET /kept/page?a=1
--- response_headers
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: W/"6553f100-1a"
!Content-Length
--- response_body chomp
1

=== no ranges
--- request
GET /page?a=1234567
--- more_headers
Range: bytes=0-2
--- response_headers
!Content-Range
--- response_body chomp
1234567

=== HEAD
--- request
HEAD /page
--- response_headers
!Content-Length
!ETag

=== an empty page
--- request
GET /empty
--- response_headers
Content-Length: 0
ETag: "6553f100-0"
--- response_body chomp

=== switched off
--- request
GET /off/page
--- response_headers
Content-Length: 26
--- response_body chomp
<!--# echo var='arg_a' -->

=== switched on in an if
--- request
GET /if/page?a=2&x=1
--- response_body chomp
2

=== another type
--- request
GET /css/page
--- response_headers
Content-Length: 26

=== a type more
--- request
GET /more/page?a=1
--- response_body chomp
1

=== an error
--- request
GET /wrong
--- response_body chomp
a[an error occurred while processing the directive]b(none)c

=== silent errors
--- request
GET /silent/wrong
--- response_body chomp
ab(none)c
--- error_log
invalid SSI command: "nothing"

=== short values
--- request
GET /short/wrong
--- response_body chomp
a[an error occurred while processing the directive]b[an error occurred while processing the directive]c
--- error_log
too long "long_val

=== what is logged
--- request
GET /log/errors
--- error_log
invalid SSI command: "foo"
mandatory "var" parameter is absent in "echo" SSI command
invalid parameter name: "y" in "echo" SSI command
duplicate "var" parameter in "echo" SSI command
unexpected "x" symbol before value of "var" parameter in "echo" SSI command
no parameter in "include" SSI command
invalid context of SSI command: "endif"
invalid expression in "a b"
the closing bracket in "a" variable is missing
invalid variable name in "$"
unknown encoding "zz" in the "echo" command
"stub"="y" for "include" not found
pcre2_compile() failed: missing closing parenthesis in "("
invalid value "x" in the "wait" parameter
inclusion may be either virtual="/a" or file="b"
"set" and "stub" cannot be used together in "include" SSI command

=== an unsafe path
--- request
GET /errors
--- error_log
unsafe URI "/../x" was detected

=== dates outside of pages
--- request
GET /dates
--- response_body_like: \A\w+day, \d\d-\w{3}-\d{4} \d\d:\d\d:\d\d GMT,\w+day, \d\d-\w{3}-\d{4} [\d:]+ \S+\z
