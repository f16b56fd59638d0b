"""The domains of the laboratory, as data.

`publish`: records below the domain, "@" is it; TLSA data is written as {usage: …} and made from the host's certificate.
`level`: what `postern explain delivery` says; `outcome`: what becomes of a message; `postfix`: what posttls-finger says of
a session by `-l dane`: verified, encrypted, clear, refused (a session that may carry no mail), none (it has no host to try)."""

import dataclasses

CA, SELF, EXPIRED, CLEAR = "ca", "self", "expired", None

LOOKS_ONLY = ("posttls-finger goes away without a word where STARTTLS is not offered; mail may not go in the clear "
              "(RFC 7672 section 2.2)")


@dataclasses.dataclass
class Fixture:
    name: str
    level: str = "opportunistic"
    outcome: str = "delivered"
    postfix: str = "encrypted"
    zone: str = "sec"
    certificate: str = SELF
    certificate_names: tuple = ()       # default: the mail host's
    publish: tuple = ("@ MX 10 mx.{d}", "mx A {a}")
    tlsa: tuple = ()                    # (owner, usage, selector, matching, of: "own" | "ca" | "other" | data)
    status: str = ""                    # a part of the last status, where it is not delivered
    host: dict = dataclasses.field(default_factory=dict)
    differs: str = ""                   # why Postfix' verdict is another one, with the RFC
    address: str = ""
    sts: tuple = ()                     # (mode, mx pattern, how its host answers): an MTA-STS policy; Postfix knows none
    arrives_at: str = ""                # the domain whose host gets it; default: its own

    @property
    def domain(self):
        return f"{self.name}.{self.zone}"


def own(usage, selector, matching, owner="mx"):
    return (owner, usage, selector, matching, "own")


FIXTURES = [
    Fixture("plain"),
    Fixture("clear", certificate=CLEAR, postfix="clear"),
    Fixture("ee", "dane", postfix="verified", tlsa=(own(3, 1, 1),)),
    Fixture("eefull", "dane", postfix="verified", tlsa=(own(3, 0, 0),)),
    Fixture("ee512", "dane", postfix="verified", tlsa=(own(3, 1, 2),)),
    Fixture("eewild", "dane", postfix="verified", certificate=EXPIRED, certificate_names=("another.example",),
            tlsa=(own(3, 0, 1),)),
    Fixture("ta", "dane", postfix="verified", certificate=CA, tlsa=(("mx", 2, 0, 1, "ca"),)),
    Fixture("tadomain", "dane", postfix="verified", certificate=CA, certificate_names=("tadomain.sec",),
            tlsa=(("mx", 2, 1, 1, "ca"),)),
    Fixture("taname", "dane", "deferred", "refused", certificate=CA, certificate_names=("another.example",),
            tlsa=(("mx", 2, 0, 1, "ca"),), status="454 4.7.5 TLS failed"),
    Fixture("taexpired", "dane", "deferred", "refused", certificate=EXPIRED, tlsa=(("mx", 2, 0, 1, "ca"),),
            status="certificate has expired"),
    Fixture("wrong", "dane", "deferred", "refused", tlsa=(("mx", 3, 1, 1, "other"),), status="no matching DANE TLSA records"),
    Fixture("rolled", "dane", postfix="verified", tlsa=(("mx", 3, 1, 1, "other"), own(3, 1, 1))),
    Fixture("pkix", "encrypted", postfix="encrypted", tlsa=(own(1, 1, 1), own(0, 0, 1))),
    Fixture("short", "encrypted", postfix="encrypted", tlsa=(("mx", 3, 1, 1, "0011223344"),)),
    Fixture("mixed", "dane", postfix="verified", tlsa=(own(1, 1, 1), own(3, 1, 1))),
    Fixture("mixedbad", "dane", "deferred", "refused", tlsa=(own(1, 1, 1), ("mx", 3, 1, 1, "other")),
            status="no matching DANE TLSA records"),
    Fixture("stripped", "dane", "deferred", "clear", certificate=CLEAR, tlsa=(("mx", 3, 1, 1, "other"),),
            status="does not offer STARTTLS", differs=LOOKS_ONLY),
    Fixture("strippedpkix", "encrypted", "deferred", "clear", certificate=CLEAR, tlsa=(("mx", 1, 1, 1, "other"),),
            status="does not offer STARTTLS", differs=LOOKS_ONLY),
    Fixture("implicit", "dane", postfix="verified", publish=("@ A {a}",), tlsa=(own(3, 1, 1, "@"),)),
    Fixture("alias", "dane", postfix="verified", publish=("@ MX 10 mx.{d}", "mx CNAME real.{d}", "real A {a}"),
            tlsa=(own(3, 1, 1, "real"),)),
    Fixture("aliasown", "dane", postfix="verified", publish=("@ MX 10 mx.{d}", "mx CNAME real.{d}", "real A {a}"),
            tlsa=(own(3, 1, 1, "mx"),)),
    Fixture("aliasout", "dane", postfix="verified", publish=("@ MX 10 mx.{d}", "mx CNAME aliasout.ins."),
            tlsa=(own(3, 1, 1, "mx"),)),
    Fixture("xn--mller-kva", publish=("@ MX 10 xn--mxhst-kra.{d}", "xn--mxhst-kra A {a}"), level="dane", postfix="verified",
            tlsa=(own(3, 1, 1, "xn--mxhst-kra"),)),
    Fixture("insmx", "dane", postfix="verified", zone="ins", publish=("@ MX 10 mx.insmx.sec.",)),
    Fixture("plain", zone="ins"),
    Fixture("tlsa", zone="ins", tlsa=(own(3, 1, 1),)),
    Fixture("forged", "", "deferred", "none", zone="bog", publish=("@ MX 10 mx.{d}", "mx A 198.51.100.66"),
            status="451 4.4.3 look up"),
    Fixture("tlsafail", "refused", "deferred", "none", publish=("@ MX 10 mx.{d}", "mx A {a}", "_tcp.mx NS ns.lab."),
            status="451 4.7.5 whether mx.tlsafail.sec has TLSA records cannot be found out"),
    Fixture("half", "dane", postfix="verified", publish=("@ MX 10 mx.{d}", "@ MX 20 mx.forged.bog.", "mx A {a}"),
            tlsa=(own(3, 1, 1),)),
    Fixture("domain", "", "deferred", "none", zone="fail", publish=(), status="451 4.4.3 look up MX domain.fail"),
    Fixture("domain", "", "deferred", "none", zone="mute", publish=(), status="451 4.4.3 look up MX domain.mute"),
    Fixture("promise", "dane", postfix="verified", tlsa=(own(3, 1, 1),), host={"keywords": ["REQUIRETLS"]}),
    Fixture("second", "dane", postfix="verified", publish=("@ MX 10 mx.ee.sec.", "@ MX 20 mx.promise.sec."), arrives_at="ee.sec"),
    Fixture("null", "", "bounced", "none", publish=("@ MX 0 .",), status="556 5.1.10"),
    Fixture("absent", "", "bounced", "none", publish=(), status="550 5.1.2"),
    Fixture("nothing", "", "bounced", "none", publish=('@ TXT "no mail"',), status="550 5.1.2"),
    Fixture("nohost", "", "bounced", "none", publish=("@ MX 10 gone.{d}",), status="550 5.4.4"),
    Fixture("circle", "", "bounced", "encrypted", publish=("@ MX 10 relay.lab.sec.", "@ MX 20 mx.{d}", "mx A {a}"),
            status="554 5.4.6", differs="posttls-finger has no name of its own; a mailer must not send to itself or to what is "
                                        "behind it (RFC 5321 section 5.1)"),
]

STS_FIXTURES = [
    Fixture("stsgood", "verified", zone="ins", certificate=CA, sts=("enforce", "mx.stsgood.ins", "well")),
    Fixture("stswild", "verified", zone="ins", certificate=CA, sts=("enforce", "*.stswild.ins", "well")),
    Fixture("stsself", "verified", "deferred", zone="ins", sts=("enforce", "mx.stsself.ins", "well"), status="4.7.5 TLS failed"),
    Fixture("stsname", "verified", "deferred", zone="ins", certificate=CA, certificate_names=("another.example",),
            sts=("enforce", "mx.stsname.ins", "well"), status="hostname mismatch"),
    Fixture("stsexpired", "verified", "deferred", zone="ins", certificate=EXPIRED, sts=("enforce", "mx.stsexpired.ins", "well"),
            status="certificate has expired"),
    Fixture("stsclear", "verified", "deferred", zone="ins", certificate=CLEAR, sts=("enforce", "mx.stsclear.ins", "well"),
            status="does not offer STARTTLS"),
    Fixture("stsother", "refused", "deferred", zone="ins", certificate=CA, sts=("enforce", "mx.elsewhere.ins", "well"),
            status="451 4.7.5 mx.stsother.ins is not in the MTA-STS policy"),
    Fixture("ststest", zone="ins", sts=("testing", "mx.elsewhere.ins", "well")),
    Fixture("stsnone", zone="ins", sts=("none", "mx.elsewhere.ins", "well")),
    Fixture("stsaway", zone="ins", sts=("enforce", "mx.elsewhere.ins", "redirect")),
    Fixture("stshtml", zone="ins", sts=("enforce", "mx.elsewhere.ins", "html")),
    Fixture("stsbig", zone="ins", sts=("enforce", "mx.elsewhere.ins", "big")),
    Fixture("stsgone", zone="ins", sts=("enforce", "mx.elsewhere.ins", "gone")),
    Fixture("stsfake", zone="ins", sts=("enforce", "mx.elsewhere.ins", "unverified")),
    Fixture("stsdane", "dane", sts=("enforce", "mx.elsewhere.ins", "well"), tlsa=(own(3, 1, 1),)),
    Fixture("stsbaddane", "dane", "deferred", certificate=CA, sts=("enforce", "mx.stsbaddane.sec", "well"),
            tlsa=(("mx", 3, 1, 1, "other"),), status="no matching DANE TLSA records"),
    Fixture("stspkix", "verified", certificate=CA, sts=("enforce", "mx.stspkix.sec", "well"), tlsa=(own(1, 1, 1),)),
]

# What other domains' records lead to.
EXTRA = {"sec": ["relay.lab A 192.0.2.250", '_smtp._tls.wrong TXT "v=TLSRPTv1; rua=mailto:tls@plain.ins"'],
         "ins": ['_smtp._tls.stsself TXT "v=TLSRPTv1; rua=https://mta-sts.stsgood.ins/report"'], "bog": []}
