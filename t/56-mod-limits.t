# limit_req and limit_conn. Rates are such that no test can be slow enough to be let pass.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

my $zones = "limit_req_zone \$arg_k zone=req:1m rate=1r/m;\n"
    . "limit_conn_zone \$arg_k zone=conn:1m;\n";

sub conf
{
    my ($workers, $http) = @_;

    return "worker_processes $workers; events { } http { $http\n"
        . "server { listen 127.0.0.1:%%PORT%% reuseport; root html;\n"
        . "add_header X-Pid \$pid always;\n"
        . "location /req { limit_req zone=req; try_files /a.txt =404; }\n"
        . "location /burst { limit_req zone=req burst=3 nodelay; try_files /a.txt =404; }\n"
        . "location /conn { limit_conn conn 2; try_files /a.txt =404; }\n"
        . "location /large { limit_conn conn 1; try_files /big.txt =404; }\n"
        . "location /held { limit_conn conn 2; limit_rate 1k; try_files /big.txt =404; }\n"
        . "location / { return 200; } } }";
}

sub start
{
    my ($name, @conf) = @_;
    my $t = Test::Weir->new(name => $name);

    $t->write_file('html/a.txt', "text\n");
    $t->write_file('html/big.txt', 'x' x 1_000_000);
    $t->write_conf(conf(@conf));
    $t->start;
    return $t;
}

sub status
{
    my ($t, $uri) = @_;
    my $answer = get($t->port, $uri) or return 0;

    return $answer->{status};
}

# A request that is being answered; its worker is `pid`.
sub hold
{
    my ($t, $uri) = @_;
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write("GET $uri HTTP/1.1\r\nHost: localhost\r\n\r\n");
    my $head = $conn->read_until(qr/\r\n\r\n/) // '';
    my ($status) = $head =~ /^HTTP\/1\.1 (\d+)/;
    my ($pid) = $head =~ /X-Pid: (\d+)/;
    return {conn => $conn, status => $status // 0, pid => $pid // 0};
}

# --- limit_conn: what is held, and when it is free again ----------------------------------------

{
    my $t = start('conn', 1, $zones);
    my @held = map { hold($t, '/held?k=a') } 1, 2;
    is($_->{status}, 200, 'a request within the limit') for @held;
    is(status($t, '/conn?k=a'), 503, 'one more');
    is(status($t, '/conn?k=b'), 200, 'another key');
    is(status($t, '/conn'), 200, 'no key');
    like($t->error_log, qr/\[error\] .* limiting connections by zone "conn", client: 127/, 'log');

    # An idle connection counts for nothing.
    my $idle = Test::Weir::Conn->new($t->port);
    $idle->write("GET /conn?k=i HTTP/1.1\r\nHost: localhost\r\n\r\n");
    is($idle->read_response->{status}, 200, 'a connection that is kept');
    is(status($t, '/conn?k=i'), 200, 'is not counted between requests') for 1 .. 4;
    for (1 .. 5) {
        $idle->write("GET /conn?k=i HTTP/1.1\r\nHost: localhost\r\n\r\n");
        is($idle->read_response->{status}, 200, 'its next request is');
    }
    $idle->write("GET /conn?k=i HTTP/1.1\r\nHost: localhost\r\n\r\n" x 5);
    is($idle->read_response->{status}, 200, 'nor do requests of one connection collide')
        for 1 .. 5;
    $idle->write("GET /large?k=l HTTP/1.1\r\nHost: localhost\r\n\r\n" x 3);
    is(length $idle->read_response->{body}, 1_000_000, 'nor large ones, asked for at once')
        for 1 .. 3;
    $idle->close;

    $held[0]{conn}->reset;
    wait_for { status($t, '/conn?k=a') == 200 } 10, 'a client that went away makes room';
    my $again = hold($t, '/held?k=a');
    is($again->{status}, 200, 'which can be taken');
    is(status($t, '/conn?k=a'), 503, 'and then is');
    $_->{conn}->reset for $held[1], $again;
    wait_for { status($t, '/conn?k=a') == 200 } 10, 'all went away';
    $t->stop;
}

# --- two workers ---------------------------------------------------------------------------------

{
    my $t = start('workers', 2, $zones);
    my (%pids, %answers);
    for (1 .. 200) {
        my $answer = get($t->port, '/burst?k=w');
        $pids{$answer->{header}{'x-pid'}}++;
        $answers{$answer->{status}}++;
        last if keys %pids == 2 && $answers{503};
    }
    is(scalar keys %pids, 2, 'both workers answered');
    is($answers{200}, 4, 'and let pass what one would have');

    my @held;
    for (1 .. 200) {
        my $hold = hold($t, "/held?k=h$_");
        push @held, $hold if !@held || $hold->{pid} != $held[0]{pid};
        last if @held == 2;
        $hold->{conn}->reset if $hold != $held[0];
    }
    is(scalar @held, 2, 'a connection to each');
    my @first = map { hold($t, '/held?k=both') } 1, 2;
    is_deeply([map { status($t, '/conn?k=both') } 1 .. 10], [(503) x 10],
        'both know of the connections of both');
    $_->{conn}->reset for @held, @first;
    $t->stop;
}

# --- reloads -------------------------------------------------------------------------------------

{
    my $t = start('reload', 1, $zones);
    is(status($t, '/req?k=r'), 200, 'before a reload');
    my $old = hold($t, '/held?k=r');
    $t->write_conf(conf(1, "# changed\n$zones"));
    is(($t->reload)[0], 0, 'reload');
    is(status($t, '/req?k=r'), 503, 'what was counted is still counted');
    my $new = hold($t, '/held?k=r');
    is($new->{status}, 200, 'a second connection');
    is(status($t, '/conn?k=r'), 503, 'with the one from before they are two');
    $old->{conn}->reset;
    wait_for { status($t, '/conn?k=r') == 200 } 10, 'which counts down when it ends';

    unless (skipped('zones of another size', differs => 'nginx begins with nothing')) {
        my $larger = $zones =~ s/1m/2m/gr;
        $t->write_conf(conf(1, $larger));
        is(($t->reload)[0], 0, 'a reload with larger zones');
        is(status($t, '/req?k=r'), 503, 'requests are still counted');
        my $newer = hold($t, '/held?k=r');
        is($newer->{status}, 200, 'a connection to the new zone');
        is(status($t, '/conn?k=r'), 503, 'beside one that came with the old');
        $new->{conn}->reset;
        wait_for { status($t, '/conn?k=r') == 200 } 10, 'which counts down in the new';
        my $last = hold($t, '/held?k=r');
        is($last->{status}, 200, 'once:');
        is(status($t, '/conn?k=r'), 503, 'the others are counted');

        my $smaller = $zones =~ s/1m/64k/gr;
        $t->write_conf(conf(1, $smaller));
        is(($t->reload)[0], 0, 'a reload with smaller zones');
        is(status($t, '/req?k=r'), 503, 'requests are still counted');
        is(status($t, '/conn?k=r'), 503, 'and connections');
        $_->{conn}->reset for $newer, $last;
        wait_for { status($t, '/conn?k=r') == 200 } 10, 'until they end';

        $t->write_conf(conf(1, $smaller =~ s/arg_k/arg_other/gr));
        is(($t->reload)[0], 0, 'a reload with another key');
        is(status($t, '/req?other=r'), 200, 'begins with nothing');
        is(status($t, '/req?other=r'), 503, 'and counts');
    }
    $new->{conn}->close;
    $t->stop;
}

# --- a worker that dies ---------------------------------------------------------------------------

unless (skipped('a killed worker', differs => 'nginx goes on counting what it served')) {
    my $t = start('killed', 2, $zones);
    my @held = map { hold($t, '/held?k=k') } 1, 2;
    is(status($t, '/conn?k=k'), 503, 'two connections');
    $t->allow_log(qr/exited on signal 9/);
    my %pids = map { $_->{pid} => 1 } @held;
    kill KILL => keys %pids;
    wait_for { status($t, '/conn?k=k') == 200 } 10, 'are none when their workers are gone';
    # A request counts a moment longer than its answer takes.
    my @new;
    my $room = wait_for {
        my $held = hold($t, '/held?k=k');
        push @new, $held if $held->{status} == 200;
        @new == 2;
    } 10, 'the second';
    ok($room, 'there is room for two again');
    is(status($t, '/conn?k=k'), 503, 'and for no more');
    $_->{conn}->reset for @new;
    $t->stop;
}

# --- a zone that is full --------------------------------------------------------------------------

{
    my $t = start('full', 1, $zones =~ s/1m/32k/gr);
    is(status($t, '/req?k=first'), 200, 'the first of many keys');
    is(status($t, '/req?k=first'), 503, 'is known');
    my $conn = Test::Weir::Conn->new($t->port);
    my %answers;
    for my $i (1 .. 1000) {
        if ($i % 50 == 1) {
            $conn->close;
            $conn = Test::Weir::Conn->new($t->port);
        }
        $conn->write("GET /req?k=other$i HTTP/1.1\r\nHost: localhost\r\n\r\n");
        $answers{$conn->read_response->{status}}++;
    }
    $conn->close;
    is_deeply(\%answers, {200 => 1000}, 'the others');
    is(status($t, '/req?k=other1000'), 503, 'the newest are known');
    is(status($t, '/req?k=first'), 200, 'it was forgotten for them');
    $t->stop;
}

{
    my $t = start('full of connections', 1, $zones =~ s/1m/32k/gr);
    my ($rest, @held) = 'x' x 251;
    $t->allow_log(qr/no memory in limit_conn_zone "conn"/);
    for my $i (1000 .. 1300) {
        push @held, hold($t, "/held?k=$i$rest");
        last if $held[-1]{status} != 200;
    }
    is($held[-1]{status}, 503, 'a key for which there is no room');
    is(status($t, "/conn?k=1000$rest"), 200, 'those that are there have theirs');
    $_->{conn}->reset for @held;
    wait_for { status($t, "/conn?k=9999$rest") == 200 } 10, 'there is room when they are gone';
    $t->stop;
}

run_tests();

__DATA__

=== limit_req
--- http_config
log_format limits '$uri $status "$limit_req_status" "$limit_conn_status"';
limit_req_zone $arg_k zone=one:1m rate=1r/m;
limit_req_zone $arg_k zone=two:1m rate=1r/m;
limit_req_zone $arg_j zone=other:1m rate=1r/m;
limit_req_zone $arg_k zone=quick:1m rate=30r/m;
limit_req_zone $arg_k zone=seconds:1m rate=1r/s;
limit_conn_zone $arg_k zone=conn:1m;
limit_conn_zone $http_x_key zone=long:1m;
limit_req_zone $http_x_key zone=longreq:32k rate=1r/m;
--- config
root html;
access_log logs/access.log limits;
add_header X-Req "$limit_req_status" always;
add_header X-Conn "$limit_conn_status" always;
location /one { limit_req zone=one; try_files /a.txt =404; }
location /429 { limit_req zone=one; limit_req_status 429; try_files /a.txt =404; }
location /burst { limit_req zone=one burst=2 nodelay; try_files /a.txt =404; }
location /delay { limit_req zone=one burst=4 delay=2; try_files /a.txt =404; }
location /quick { limit_req zone=quick burst=2; try_files /a.txt =404; }
location /dry { limit_req zone=one; limit_req_dry_run on; try_files /a.txt =404; }
location /dry/burst { limit_req zone=one burst=2; limit_req_dry_run on; try_files /a.txt =404; }
location /both { limit_req zone=one burst=2 nodelay; limit_req zone=two; try_files /a.txt =404; }
location /keys { limit_req zone=one; limit_req zone=other; try_files /a.txt =404; }
location /page { limit_req zone=one; error_page 503 /sorry.txt; try_files /a.txt =404; }
location /redirect { limit_req zone=one burst=9 nodelay; try_files /none /one?$args; }
location /return { limit_req zone=one; return 200 free; }
location /if { limit_req zone=one; if ($arg_i) { add_header X-If 1; } }
location /except { limit_req zone=one; limit_except HEAD { allow all; } }
location /outer { limit_req zone=one;
    location /outer/in { limit_req_status 410; try_files /a.txt =404; }
    location /outer/own { limit_req zone=other; try_files /a.txt =404; }
}
location /info { limit_req zone=one; limit_req_log_level info; try_files /a.txt =404; }
location /reqconn { limit_req zone=one; limit_conn conn 1; try_files /a.txt =404; }
location /conn { limit_conn conn 1; try_files /a.txt =404; }
location /long { limit_conn long 1; try_files /a.txt =404; }
location /longreq { limit_req zone=longreq; try_files /a.txt =404; }
location /longdry { limit_req zone=longreq; limit_req_dry_run on; try_files /a.txt =404; }
location /444 { limit_req zone=one; limit_req_status 444; try_files /a.txt =404; }
large_client_header_buffers 4 64k;
--- user_files
>>> a.txt
text
>>> sorry.txt
sorry
>>> if
if
>>> except
except
--- keepalive_requests
GET /one?k=a
~~~
GET /one?k=a
~~~
GET /one?k=b
~~~
GET /one?k=a
~~~
GET /one
~~~
GET /one
~~~
GET /one?k=
--- error_code: 200 503 200 503 200 200 200
--- response_headers
X-Req: PASSED
~~~
X-Req: REJECTED
~~~
X-Req: PASSED
~~~
X-Req: REJECTED
~~~
!X-Req
~~~
!X-Req
~~~
!X-Req
--- error_log
/\[error\] .*limiting requests, excess: (?:1\.000|0\.9\d\d) by zone "one", client: 127\.0\.0\.1/
--- access_log_like
^/a\.txt 200 "PASSED" "-"$

=== another status
--- keepalive_requests
GET /429?k=c
~~~
GET /429?k=c
--- error_code: 200 429

=== a zone is one for all locations
--- keepalive_requests
GET /one?k=d
~~~
GET /429?k=d
~~~
GET /burst?k=d
--- error_code: 200 429 200

=== burst with nodelay
--- keepalive_requests
GET /burst?k=e
~~~
GET /burst?k=e
~~~
GET /burst?k=e
~~~
GET /burst?k=e
~~~
GET /burst?k=e
--- error_code: 200 200 200 503 503
--- response_headers
X-Req: PASSED
~~~
X-Req: PASSED
~~~
X-Req: PASSED
~~~
X-Req: REJECTED
~~~
X-Req: REJECTED
--- error_log
/limiting requests, excess: (?:3\.000|2\.9\d\d) by zone "one"/

=== a request that is delayed
--- pipelined_requests
GET /quick?k=f
~~~
GET /quick?k=f
--- error_code: 200 200
--- response_headers
X-Req: PASSED
~~~
X-Req: DELAYED
--- error_log
/\[warn\] .*delaying request, excess: (?:1\.000|0\.\d\d\d), by zone "quick", client/

=== delay=2: two are served at once
--- keepalive_requests
GET /delay?k=g
~~~
GET /delay?k=g
~~~
GET /delay?k=g
--- error_code: 200 200 200
--- response_headers
X-Req: PASSED

=== the dry run
--- keepalive_requests
GET /dry?k=h
~~~
GET /dry?k=h
~~~
GET /dry?k=h
~~~
GET /dry/burst?k=h
~~~
GET /dry/burst?k=h
~~~
GET /dry/burst?k=h
--- error_code: 200
--- response_headers
X-Req: PASSED
~~~
X-Req: REJECTED_DRY_RUN
~~~
X-Req: REJECTED_DRY_RUN
~~~
X-Req: DELAYED_DRY_RUN
~~~
X-Req: DELAYED_DRY_RUN
~~~
X-Req: REJECTED_DRY_RUN
--- error_log
/\[error\] .*limiting requests, dry run, excess: (?:1\.000|0\.9\d\d) by zone "one"/
/\[warn\] .*delaying request, dry run, excess: (?:1\.000|0\.9\d\d), by zone "one"/
/\[warn\] .*delaying request, dry run, excess: (?:2\.000|1\.9\d\d), by zone "one"/

=== several limits: what one refuses does not count in the others
--- keepalive_requests
GET /both?k=i
~~~
GET /both?k=i
~~~
GET /both?k=i
~~~
GET /burst?k=i
~~~
GET /burst?k=i
~~~
GET /burst?k=i
--- error_code: 200 503 503 200 200 503
--- error_log
/limiting requests, excess: (?:1\.000|0\.9\d\d) by zone "two"/
/limiting requests, excess: (?:3\.000|2\.9\d\d) by zone "one"/

=== several limits, each with a key of its own
--- keepalive_requests
GET /keys?k=j
~~~
GET /keys?j=j
~~~
GET /keys?k=k&j=j
~~~
GET /keys?k=k
~~~
GET /keys?k=j&j=k
~~~
GET /keys?j=k
--- error_code: 200 200 503 200 503 200

=== the page of a refusal
--- keepalive_requests
GET /page?k=l
~~~
GET /page?k=l
--- error_code: 200 503
--- response_body
text
~~~
sorry

=== a request counts once, wherever it is routed
--- keepalive_requests
GET /redirect?k=m
~~~
GET /redirect?k=m
~~~
GET /one?k=m
--- error_code: 200 200 503

=== return is before
--- keepalive_requests
GET /return?k=n
~~~
GET /return?k=n
--- error_code: 200 200
--- response_headers
!X-Req

=== an if, a limit_except
--- keepalive_requests
GET /if?k=o&i=1
~~~
GET /if?k=o&i=1
~~~
GET /if?k=o
~~~
GET /except?k=p
~~~
GET /except?k=p
--- error_code: 200 503 503 200 503

=== inheritance
--- keepalive_requests
GET /outer/in?k=q
~~~
GET /outer/in?k=q
~~~
GET /outer/own?k=q&j=q
~~~
GET /outer/own?k=r&j=q
--- error_code: 200 410 200 503

=== the level of refusals
--- keepalive_requests
GET /info?k=s
~~~
GET /info?k=s
--- error_code: 200 503
--- error_log
/\[info\] .*limiting requests/
--- no_error_log
[error]

=== HEAD and POST count as well
--- keepalive_requests
HEAD /one?k=t
~~~
HEAD /one?k=t
--- error_code: 200 503

=== requests on one connection are one after the other
--- pipelined_requests
GET /conn?k=u
~~~
GET /conn?k=u
~~~
GET /conn?k=u
--- error_code: 200
--- response_headers
X-Conn: PASSED
!X-Req

=== limit_req before limit_conn
--- keepalive_requests
GET /reqconn?k=v
~~~
GET /reqconn?k=v
--- error_code: 200 503
--- response_headers
X-Req: PASSED
X-Conn: PASSED
~~~
X-Req: REJECTED
!X-Conn

=== a key that is too long for limit_conn
--- request
GET /long
--- more_headers eval
'X-Key: ' . 'a' x 256
--- response_headers
!X-Conn
--- error_log
the value of the "$http_x_key" key is more than 255 bytes: "aaa

=== the longest
--- request
GET /long
--- more_headers eval
'X-Key: ' . 'a' x 255
--- response_headers
X-Conn: PASSED
--- no_error_log
more than

=== a key for which the zone has no room
--- request
GET /longreq
--- more_headers eval
'X-Key: ' . 'a' x 40000
--- error_code: 503
--- response_headers
X-Req: REJECTED
--- error_log
/\[alert\] .*could not allocate node in limit_req zone "longreq"/

=== the same in a dry run
--- request
GET /longdry
--- more_headers eval
'X-Key: ' . 'a' x 40000
--- error_code: 200
--- response_headers
X-Req: REJECTED_DRY_RUN
--- error_log
/\[alert\] .*could not allocate node in limit_req zone "longreq"/

=== status 444, once
--- request
GET /444?k=w
--- error_code: 200

=== and again: the connection is closed
--- request
GET /444?k=w
--- error_code: none

=== limit_req_zone: what it refuses
--- http_config
limit_req_zone $arg_k zone=one:x rate=1r/s;
--- conf_error
[emerg] invalid zone size "zone=one:x" in %%CONF%%:

=== without a size
--- http_config
limit_req_zone $arg_k zone=one rate=1r/s;
--- conf_error
[emerg] invalid zone size "zone=one" in %%CONF%%:

=== a zone that is too small
--- http_config
limit_req_zone $arg_k zone=one:31k rate=1r/s;
--- conf_error
[emerg] zone "zone=one:31k" is too small in %%CONF%%:

=== the smallest
--- http_config
limit_req_zone $arg_k zone=one:32k rate=1r/s;
limit_conn_zone $arg_k zone=conn:32k;
--- conf_ok

=== a zone without a name
--- http_config
limit_req_zone $arg_k zone=:1m rate=1r/s;
--- conf_error
[emerg] "limit_req_zone" must have "zone" parameter in %%CONF%%:

=== a rate without a unit
--- http_config
limit_req_zone $arg_k zone=one:1m rate=5;
--- conf_ok

=== a rate of a unit that there is not
--- http_config
limit_req_zone $arg_k zone=one:1m rate=1r/h;
--- conf_error
[emerg] invalid rate "rate=1r/h" in %%CONF%%:

=== a rate of nothing
--- http_config
limit_req_zone $arg_k zone=one:1m rate=0r/s;
--- conf_error
[emerg] invalid rate "rate=0r/s" in %%CONF%%:

=== an unknown parameter of a zone
--- http_config
limit_req_zone $arg_k zone=one:1m burst=1;
--- conf_error
[emerg] invalid parameter "burst=1" in %%CONF%%:

=== a zone twice
--- http_config
limit_req_zone $arg_k zone=one:1m rate=1r/s;
limit_req_zone $arg_j zone=one:1m rate=1r/s;
--- conf_error
[emerg] limit_req_zone "one" is already bound to key "$arg_k" in %%CONF%%:

=== a zone of another kind
--- http_config
limit_req_zone $arg_k zone=one:1m rate=1r/s;
limit_conn_zone $arg_k zone=one:1m;
--- conf_error
[emerg] the shared memory zone "one" is already declared for a different use in %%CONF%%:

=== a zone that nobody declares
--- config
limit_req zone=one;
--- conf_error
[emerg] zero size shared memory zone "one"

=== limit_conn of a zone that nobody declares
--- config
limit_conn one 1;
--- conf_error
[emerg] zero size shared memory zone "one"

=== a limit before its zone
--- http_config
limit_req zone=one;
limit_conn two 1;
limit_req_zone $arg_k zone=one:1m rate=1r/s;
limit_conn_zone $arg_k zone=two:1m;
--- conf_ok

=== limit_req without a zone
--- config
limit_req burst=5;
--- conf_error
[emerg] "limit_req" must have "zone" parameter in %%CONF%%:

=== an unknown parameter of limit_req
--- config
limit_req zone=one now;
--- conf_error
[emerg] invalid parameter "now" in %%CONF%%:

=== no burst
--- config
limit_req zone=one burst=0;
--- conf_error
[emerg] invalid burst value "burst=0" in %%CONF%%:

=== no delay
--- config
limit_req zone=one delay=x;
--- conf_error
[emerg] invalid delay value "delay=x" in %%CONF%%:

=== the largest burst
--- http_config
limit_req_zone $arg_k zone=one:1m rate=1r/s;
--- config
limit_req zone=one burst=9223372036854775807;
--- conf_ok

=== one more
--- config
limit_req zone=one burst=9223372036854775808;
--- conf_error
[emerg] invalid burst value "burst=9223372036854775808" in %%CONF%%:

=== limit_req twice
--- config
limit_req zone=one;
limit_req zone=one burst=1;
--- conf_error
[emerg] "limit_req" directive is duplicate in %%CONF%%:

=== limit_conn twice
--- config
limit_conn one 1;
limit_conn one 2;
--- conf_error
[emerg] "limit_conn" directive is duplicate in %%CONF%%:

=== limit_conn 0
--- config
limit_conn one 0;
--- conf_error
[emerg] invalid number of connections "0" in %%CONF%%:

=== limit_conn 65536
--- config
limit_conn one 65536;
--- conf_error
[emerg] connection limit must be less 65536 in %%CONF%%:

=== a status that is no error
--- config
limit_req_status 399;
--- conf_error
[emerg] value must be between 400 and 599 in %%CONF%%:

=== a level that is none
--- config
limit_conn_log_level debug;
--- conf_error
[emerg] invalid value "debug" in %%CONF%%:

=== in an if
--- config
location / { if ($arg_a) { limit_req zone=one; } }
--- conf_error
[emerg] "limit_req" directive is not allowed here in %%CONF%%:

=== limit_zone, as it was before limit_conn_zone
--- differs: nginx has dropped it
--- http_config
limit_zone one $binary_remote_addr 1m;
--- config
limit_conn one 1;
--- conf_ok
[warn] the "limit_zone" directive is deprecated, use the "limit_conn_zone" directive instead

=== limit_zone and limit_conn_zone of one name
--- differs: nginx has dropped it
--- http_config
limit_zone one $binary_remote_addr 1m;
limit_conn_zone $arg_k zone=one:1m;
--- conf_error
[emerg] limit_conn_zone "one" is already bound to key "$binary_remote_addr" in %%CONF%%:
