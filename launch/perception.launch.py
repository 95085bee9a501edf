"""Starts the detector as a managed node: ros2 launch goshawk perception.launch.py image_topics:=/camera/image_raw."""

import os
from pathlib import Path
from typing import Any

import yaml
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
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

# Which variable names the DDS profile: Fast DDS 2 reads one, Fast DDS 3 the other and warns of the first.
WITH_FAST_DDS_2 = {"humble", "iron", "jazzy"}
PROFILE_VARIABLE, OTHER_PROFILE_VARIABLE = (
    ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    if os.environ.get("ROS_DISTRO") in WITH_FAST_DDS_2
    else ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
)

# Arguments that become parameters of the same name, where they are given; the parameter file decides otherwise.
PARAMETER_ARGUMENTS = {
    "image_topics": "image topics, separated by commas",
    "bundle": "model bundle: NAME, NAME@VERSION, a folder, or an ONNX file as it comes",
    "reliability": "reliability asked of the cameras: best_effort or reliable",
    "providers": "execution providers, best first, separated by commas",
    "workers": "inference workers, or auto",
    "threads": "threads of each worker, or auto",
    "queue_depth": "frames handed to a worker at once, or auto",
    "repeated_stamps": "frames whose stamp is not newer than the one before: auto, accept or drop",
    "tracking": "follow objects from frame to frame: true or false",
    "telemetry": "MQTT broker for fleet telemetry, such as mqtts://broker:8883",
    "site": "site in telemetry topics",
    "robot": "robot in telemetry topics",
    "http_port": "port of the web page, 0 for none",
    "report_file": "file for the run report",
    "use_sim_time": "take the time from /clock",
}
LIST_ARGUMENTS = {"image_topics", "providers"}
# Texts, also where they look like something else: robot:=7, bundle:=1e3.
TEXT_ARGUMENTS = {"bundle", "reliability", "repeated_stamps", "telemetry", "site", "robot", "report_file"}


def default_profile() -> str:
    """The DDS profile that the caller set, or the one that comes with Goshawk."""
    for name in (PROFILE_VARIABLE, OTHER_PROFILE_VARIABLE):
        if os.environ.get(name):
            return os.environ[name]
    return str(HERE / "fastdds.xml")


def parameter_value(name: str, text: str) -> Any:
    """What an argument's text means as a parameter: lists may be written with or without brackets."""
    if name in TEXT_ARGUMENTS:
        return text
    if name not in LIST_ARGUMENTS:
        return yaml.safe_load(text)
    value = yaml.safe_load(text)
    entries = value if isinstance(value, list) else text.split(",")
    return [str(entry).strip() for entry in entries]


def autostart_handlers(detector: LifecycleNode) -> list[LaunchDescriptionEntity]:
    """Configures the node once its process has started, and activates it once that is done."""

    def request(transition: int) -> EmitEvent:
        return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(detector), transition_id=transition))

    return [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=detector,
                start_state="configuring",
                goal_state="inactive",
                entities=[request(Transition.TRANSITION_ACTIVATE)],
            )
        ),
        RegisterEventHandler(OnProcessStart(target_action=detector, on_start=[request(Transition.TRANSITION_CONFIGURE)])),
    ]


def launch_detector(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The node and its handlers, from what the arguments say at launch."""

    def argument(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    given = {name: argument(name) for name in PARAMETER_ARGUMENTS}
    overrides = {name: parameter_value(name, text) for name, text in given.items() if text != ""}
    autostart = yaml.safe_load(argument("autostart")) is True
    respawn = yaml.safe_load(argument("respawn")) is True
    # A node that crashed is still known to the graph for some seconds, so launch would ask the dead one to configure:
    # with respawn the node has to start by itself, and otherwise it must not, since launch drives the lifecycle.
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
                DeclareLaunchArgument(name, default_value="", description=f"{text} (default: the parameter file)")
                for name, text in PARAMETER_ARGUMENTS.items()
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(HERE / "params" / "detector.yaml"),
                description="parameter file of the detector",
            ),
            DeclareLaunchArgument("namespace", default_value="goshawk", description="namespace of the node"),
            DeclareLaunchArgument("autostart", default_value="true", description="configure and activate at once"),
            DeclareLaunchArgument("respawn", default_value="false", description="start the node again when it dies"),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error"),
            DeclareLaunchArgument("dds_profile", default_value=default_profile(), description="Fast DDS profile for all processes"),
            SetEnvironmentVariable(PROFILE_VARIABLE, LaunchConfiguration("dds_profile")),
            UnsetEnvironmentVariable(OTHER_PROFILE_VARIABLE),
            OpaqueFunction(function=launch_detector),
        ]
    )
