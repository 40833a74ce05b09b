#include "control/app/config_manual.h"

#include "control/document/roff.h"
#include "control/document/schema.h"
#include "control/model/model.h"

namespace fulcrum {
namespace {

constexpr std::string_view kEditing = R"(.SH THE FILE AND THE REVISIONS
The file is one face of the configuration beside the command line, the API and the pages. Each commit writes it anew,
in the order of the settings above and with the comments it had.
.PP
Who edits it and sends SIGHUP, or starts fulcrum-control, commits what it says, as a revision of the face "file". A file
with a problem is refused as a whole: its problems are logged with file and line, and the newest revision stays in
force. To look first: \fBfulcrum-control \-\-config\fR \fIFILE\fR \fB\-\-check\fR
.PP
The first line, \fB# revision\fR \fIN HASH\fR: ..., names the revision that the text was: leave it there. What was
edited in an older text then is a change to that revision: it is carried over to the newest one, or refused where
somebody else has committed a change to the same setting. A text without that line says all there shall be.
.PP
A file that nobody has edited since the last commit says nothing: the newest revision is in force. When a commit finds
a file that was edited but not read, it keeps that text in \fIFILE\fB.edited\fR before it writes, and says so. To have
it after all, look at the differences, edit the file, and send SIGHUP.
)";

constexpr std::string_view kExample = R"(version = 1;

ports = (
  { name = "front"; addresses = [ "198.51.100.1/24" ]; },
  { name = "back";  addresses = [ "10.1.1.1/24" ]; }
);

routes = ( { to = "0.0.0.0/0"; via = "198.51.100.254"; } );

farms = (
  {
    name = "shop";
    mode = "nat";
    addresses = [ "198.51.100.10" ];
    ports = ( { protocol = "tcp"; port = 80; server_port = 8080; } );
    servers = (
      { name = "web1"; addresses = [ "10.1.1.11" ]; weight = 10; },
      { name = "web2"; addresses = [ "10.1.1.12" ]; weight = 5; }
    );
    check = { type = "tcp_connect"; interval_ms = 1000; timeout_ms = 500; };
  }
);
)";

}  // namespace

std::string_view example_configuration() { return kExample; }

std::string config_manual(const std::string& version) {
  std::string page = document::manual_page(*model::description().shape(), "fulcrum.cfg", version);
  page += kEditing;
  page +=
      ".SH EXAMPLES\nA whole configuration. Clients come in by the port front and ask 198.51.100.10; web1 gets twice "
      "as\n"
      "many connections as web2. The servers' default gateway is 10.1.1.1.\n.PP\n.nf\n";
  page += document::roff(kExample);
  page += ".fi\n";
  return page;
}

}  // namespace fulcrum
