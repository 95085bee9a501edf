"""Starts the detector as a managed node: ros2 launch goshawk perception.launch.py image_topics:=/camera/image_raw."""

import json
import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    UnsetEnvironmentVariable,
)
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

HERE = Path(__file__).resolve().parent

# The variable that names the DDS profile: Fast DDS 2 reads one; Fast DDS 3 reads the other and warns about the first.
WITH_FAST_DDS_2 = {"humble", "iron", "jazzy"}
PROFILE_VARIABLE, OTHER_PROFILE_VARIABLE = (
    ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    if os.environ.get("ROS_DISTRO") in WITH_FAST_DDS_2
    else ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
)


def parameter_schema() -> dict[str, dict[str, Any]]:
    """Every parameter of the detector with its type and description, from the schema that comes with Goshawk."""
    schema = json.loads((HERE / "params" / "schema.json").read_text(encoding="utf-8"))
    return schema["$defs"]["node"]["properties"]["ros__parameters"]["properties"]


# Each parameter is an argument of the same name; without it, the parameter file decides. Only autostart means something
# else here: launch drives the lifecycle.
PARAMETER_ARGUMENTS = {name: spec for name, spec in parameter_schema().items() if name != "autostart"}


# Arguments that are not parameters, with their defaults.
OTHER_ARGUMENTS = {
    "params_file": (str(HERE / "params" / "detector.yaml"), "parameter file of the detector"),
    "namespace": ("goshawk", "namespace of the node"),
    "autostart": ("true", "configure and activate on start"),
    "respawn": ("false", "restart the node when it dies"),
    "log_level": ("info", "debug, info, warn, error"),
}
OWN_FILES = ("perception.launch.py", "demo.launch.py")
CAMERA_ARGUMENTS_OF_DEMO = {"source", "rate", "width", "height"}


def default_profile() -> str:
    """The DDS profile that the caller set, or the one that comes with Goshawk."""
    for name in (PROFILE_VARIABLE, OTHER_PROFILE_VARIABLE):
        if os.environ.get(name):
            return os.environ[name]
    return str(HERE / "fastdds.xml")


def parameter_value(name: str, text: str) -> Any:
    """Parses an argument as a parameter; lists may be written with or without brackets."""
    kind = PARAMETER_ARGUMENTS[name].get("type")
    # Strings stay strings, even if they look like something else: robot:=7, bundle:=1e3.
    if kind == "string":
        return text
    if kind != "array":
        return yaml.safe_load(text)
    value = yaml.safe_load(text)
    entries = value if isinstance(value, list) else text.split(",")
    return [str(entry).strip() for entry in entries]


def autostart_handlers(detector: LifecycleNode) -> list[LaunchDescriptionEntity]:
    """Configures the node once its process has started, then activates it."""

    def request(transition: int) -> EmitEvent:
        change = ChangeState(lifecycle_node_matcher=matches_action(detector), transition_id=transition)
        return EmitEvent(event=change)

    return [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=detector,
                start_state="configuring",
                goal_state="inactive",
                entities=[request(Transition.TRANSITION_ACTIVATE)],
            )
        ),
        RegisterEventHandler(
            OnProcessStart(target_action=detector, on_start=[request(Transition.TRANSITION_CONFIGURE)])
        ),
    ]


def unknown_arguments(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Reports unknown arguments of the command line, which ros2 launch itself silently ignores."""
    if not any(word.endswith(OWN_FILES) for word in sys.argv):
        return []  # included by another launch file, which has its own arguments
    known = {*PARAMETER_ARGUMENTS, *OTHER_ARGUMENTS, *CAMERA_ARGUMENTS_OF_DEMO, "dds_profile"}
    lines = []
    for name in (word.partition(":=")[0] for word in context.argv if ":=" in word):
        if name in known:
            continue
        near = get_close_matches(name, known, 1)
        hint = f": did you mean {near[0]}?" if near else ";"
        warning = f"WARNING: unknown launch argument {name} has no effect{hint} --show-args lists all arguments"
        lines.append(LogInfo(msg=warning))
    return lines


def launch_detector(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The node and its handlers, from the launch arguments."""

    def argument(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    given = {name: argument(name) for name in PARAMETER_ARGUMENTS}
    overrides = {name: parameter_value(name, text) for name, text in given.items() if text != ""}
    autostart = yaml.safe_load(argument("autostart")) is True
    respawn = yaml.safe_load(argument("respawn")) is True
    # A crashed node stays in the graph for some seconds, so launch would ask the dead one to configure. With respawn
    # the node must therefore start by itself; otherwise it must not, since launch drives the lifecycle.
    overrides["autostart"] = autostart and respawn
    detector = LifecycleNode(
        package="goshawk",
        executable="detector",
        name="detector",
        namespace=argument("namespace"),
        parameters=[argument("params_file"), overrides],
        ros_arguments=["--log-level", argument("log_level")],
        respawn=respawn,
        respawn_delay=2.0,
        output="screen",
        emulate_tty=True,
    )
    return [*(autostart_handlers(detector) if autostart and not respawn else []), detector]


def generate_launch_description() -> LaunchDescription:
    """Arguments, the DDS profile for every process, and the detector."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    name, default_value="", description=f"{spec['description']} (default: the parameter file)"
                )
                for name, spec in PARAMETER_ARGUMENTS.items()
            ),
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in OTHER_ARGUMENTS.items()
            ),
            DeclareLaunchArgument(
                "dds_profile", default_value=default_profile(), description="Fast DDS profile for all processes"
            ),
            SetEnvironmentVariable(PROFILE_VARIABLE, LaunchConfiguration("dds_profile")),
            UnsetEnvironmentVariable(OTHER_PROFILE_VARIABLE),
            OpaqueFunction(function=unknown_arguments),
            OpaqueFunction(function=launch_detector),
        ]
    )
