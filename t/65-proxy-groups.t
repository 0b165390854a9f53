# Groups of servers as text: which of them a name means, and what is wrong with one.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

skip_without('proxy_pass');
run_tests();

__DATA__

=== a name means the block, before it and behind it, in any case
--- http_config
server {
    listen 127.0.0.1:8001;
    location / { proxy_pass http://group; }
    location /a { proxy_pass http://GROUP; }
    location /b { proxy_pass http://group/; }
}
upstream group { server 127.0.0.1:1; }
server { listen 127.0.0.1:8002; location / { proxy_pass http://group; } }
--- conf_ok

=== a block has no port
--- http_config
upstream group { server 127.0.0.1:1; }
server { listen 127.0.0.1:8001; location / { proxy_pass http://group:81; } }
--- conf_error
[emerg] upstream "group" may not have port 81 in %%CONF%%:

=== a block that comes later has no port either
--- http_config
server { listen 127.0.0.1:8001; location / { proxy_pass http://group:80; } }
upstream group { server 127.0.0.1:1; }
--- conf_error
[emerg] upstream "group" may not have port 80 in %%CONF%%:

=== names are the same in any case
--- http_config
upstream group { server 127.0.0.1:1; }
upstream Group { server 127.0.0.1:1; }
--- conf_error
[emerg] duplicate upstream "Group" in %%CONF%%:

=== only backups
--- http_config
upstream group { server 127.0.0.1:1 backup; }
--- conf_error
[emerg] no servers in upstream "group" in %%CONF%%:

=== a backup, and then a method that has none
--- http_config
upstream group { server 127.0.0.1:1; server 127.0.0.1:2 backup; ip_hash; }
--- conf_ok

=== one method after another
--- http_config
upstream group { ip_hash; least_conn; server 127.0.0.1:1; }
--- conf_ok
[warn] load balancing method redefined in %%CONF%%:

=== hash and something
--- http_config
upstream group { hash $uri something; server 127.0.0.1:1; }
--- conf_error
[emerg] invalid parameter "something" in %%CONF%%:

=== random and something
--- http_config
upstream group { random two something; server 127.0.0.1:1; }
--- conf_error
[emerg] invalid parameter "something" in %%CONF%%:

=== a port that is none
--- http_config
upstream group { server 127.0.0.1:0; }
--- conf_error
[emerg] invalid port in upstream "127.0.0.1:0" in %%CONF%%:

=== a port alone
--- http_config
upstream group { server :80; }
--- conf_error
[emerg] no host in upstream ":80" in %%CONF%%:

=== a socket without a path
--- http_config
upstream group { server unix:; }
--- conf_error
[emerg] no path in the unix domain socket in upstream "unix:" in %%CONF%%:

=== groups share a zone
--- http_config
upstream a { zone shared 64k; server 127.0.0.1:1; }
upstream b { zone shared; server 127.0.0.1:1; }
--- conf_ok

=== a zone without a name
--- http_config
upstream group { zone '' 64k; server 127.0.0.1:1; }
--- conf_error
[emerg] invalid zone name "" in %%CONF%%:

=== a zone that is too small
--- http_config
upstream group { zone one 31k; server 127.0.0.1:1; }
--- conf_error
[emerg] zone "one" is too small in %%CONF%%:

=== a zone without a size
--- http_config
upstream group { zone one; server 127.0.0.1:1; }
--- conf_error
[emerg] zero size shared memory zone "one"

=== a zone of something else
--- http_config
limit_req_zone $uri zone=one:64k rate=1r/s;
upstream group { zone one 64k; server 127.0.0.1:1; }
--- conf_error
[emerg] the shared memory zone "one" is already declared for a different use in %%CONF%%:

=== keepalive of no number
--- http_config
upstream group { server 127.0.0.1:1; keepalive many; }
--- conf_error
[emerg] invalid value "many" in "keepalive" directive in %%CONF%%:
