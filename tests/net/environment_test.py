"""A wrong environment gets a sentence that says what to do, and exit status 2."""

import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

from tests.net.labcase import BUILD, LabCase
from tools.labkit import daemons, hugepages
from tools.labkit.namespaces import inside


class Environment(LabCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(dir="/run")))
        self.addCleanup(hugepages.forget_regions, self.folder)
        self.folder.chmod(0o755)

    def refused(self, daemon, text, *sentences, problems=1, options=(), command=None):
        """The program ends with status 2 and says these words; one line for each problem, nothing else. Those that the
        file brings about name it with a line."""
        configuration = self.folder / "some.cfg"
        configuration.write_text(text)
        command = command or inside(self.lab.box, str(daemon.program))
        command = [*command, "--config", str(configuration), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 2, said)
        for sentence in sentences:
            self.assertIn(sentence, said)
        self.assertEqual(len(said.splitlines()), problems, said)
        return said

    def dataplane_text(self, runtime_dir=None, **options):
        return daemons.dataplane_configuration(self.lab, runtime_dir or self.folder / "run", **options)

    def test_dataplane_not_root(self):
        self.not_root(self.box.dataplane, self.dataplane_text())

    def test_control_not_root(self):
        self.not_root(self.box.control, daemons.control_configuration(self.folder / "run"))

    def not_root(self, daemon, text):
        program = self.folder / daemon.program.name
        shutil.copy(daemon.program, program)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(program))
        self.refused(daemon, text, "root", command=inside(self.lab.box, *nobody))

    def test_wrong_profile_key(self):
        profiles = self.folder / "profiles"
        profiles.mkdir()
        shutil.copy(pathlib.Path(__file__).parent.parent.parent / "nic-profiles/af_packet.cfg", profiles)
        with (profiles / "af_packet.cfg").open("a") as profile:
            profile.write("\nrx_descriptorz = 512;\n")
        text = self.dataplane_text() + f'profile_dir = "{profiles}";\n'
        self.refused(self.box.dataplane, text, "rx_descriptorz", "af_packet.cfg:")

    def test_unknown_profile(self):
        text = self.dataplane_text().replace('"af_packet"', '"af_paket"')
        self.refused(self.box.dataplane, text, *(f"ports.{name}.profile: " for name in ("front", "back")), problems=2)

    def test_missing_interface(self):
        text = self.dataplane_text().replace("veth-front", "veth-frond")
        self.refused(self.box.dataplane, text, "some.cfg:10: ports.front.device: veth-frond: no such")

    def test_everything_that_is_missing_at_once(self):
        text = self.dataplane_text(hugepages="off").replace("veth-", "vath-")
        text = text.replace("memory_mb = 128", "memory_mb = 900000")
        text = text.replace("housekeeping_core = 0", "housekeeping_core = 1000")
        self.refused(
            self.box.dataplane,
            text,
            "some.cfg:4: memory_mb: this machine has ",
            "some.cfg:8: housekeeping_core: this machine has no core 1000",
            "some.cfg:10: ports.front.device: vath-front: no such network interface here; there are: ",
            "some.cfg:11: ports.back.device: vath-back: no such network interface here; there are: ",
            problems=4,
        )

    def test_profile_folder_that_is_not_there(self):
        text = self.dataplane_text() + 'profile_dir = "/nowhere";\n'
        self.refused(self.box.dataplane, text, "some.cfg:12: profile_dir: there is no directory /nowhere")

    def test_region_in_use(self):
        self.refused(self.box.dataplane, self.dataplane_text(self.box.runtime_dir), "running")

    def test_port_in_use(self):
        text = self.dataplane_text().replace(self.lab.twin, self.lab.twin + "2")
        front, back = (f"some.cfg:{line}: ports.{port}.device: veth-{port}: port already in use by another "
                       for line, port in ((10, "front"), (11, "back")))
        self.refused(self.box.dataplane, text, front, back, problems=2)

    def test_second_control(self):
        text = daemons.control_configuration(self.box.runtime_dir)
        self.refused(self.box.control, text, "another fulcrum-control")

    def test_no_hugepages(self):
        if int(pathlib.Path("/proc/sys/vm/nr_hugepages").read_text()) > 0:
            self.skipTest("this machine has huge pages reserved")
        self.refused(self.box.dataplane, self.dataplane_text(hugepages="required"), "nr_hugepages")

    def test_configuration_not_readable(self):
        for daemon in (self.box.dataplane, self.box.control):
            done = subprocess.run(
                [str(daemon.program), "--config", "/nowhere/some.cfg"], capture_output=True, text=True, check=False
            )
            self.assertEqual(done.returncode, 2)
            self.assertIn("/nowhere/some.cfg", done.stderr)

    def test_wrong_options(self):
        cases = {
            ("--nonsense",): '"--nonsense" is no option',
            ("-x",): '"-x" is no option',
            ("--help=1",): '"--help=1": this option takes no value',
        }
        for program, option in (
            (self.box.dataplane.program, "--config"),
            (self.box.control.program, "--config"),
            (self.box.cli, "--runtime-dir"),
        ):
            for words, sentence in {**cases, (option,): f"{option} needs a value after it"}.items():
                with self.subTest(program=program.name, words=words):
                    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 2)
                    self.assertTrue(done.stderr.startswith(f"{program.name}: "), done.stderr)
                    self.assertTrue(done.stderr.endswith(f": {sentence}; `--help` lists the options\n"), done.stderr)
                    self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_region_of_another_version(self):
        runtime_dir = self.folder / "run"
        runtime_dir.mkdir()
        region = bytearray((self.box.runtime_dir / "region").read_bytes())
        # The layout version stands behind the eight bytes of the magic number (dataplane/contract/region.h).
        version = struct.unpack_from("=I", region, 8)[0]
        struct.pack_into("=I", region, 8, version + 1)
        (runtime_dir / "region").write_bytes(region)
        self.refused(self.box.dataplane, self.dataplane_text(runtime_dir), f"version {version + 1}", "--cold")
        self.refused(self.box.control, daemons.control_configuration(runtime_dir), f"version {version + 1}")

    def test_build_has_the_programs(self):
        for program in (self.box.dataplane.program, self.box.control.program, self.box.cli):
            self.assertTrue(program.exists(), f"{program} in {BUILD}")


if __name__ == "__main__":
    unittest.main()
